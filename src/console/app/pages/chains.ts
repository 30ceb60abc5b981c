import { type ComponentChildren, h } from "preact";
import type { Place } from "../router.ts";
import { ChainList } from "./chain-list.ts";
import { ChainPage } from "./chain.ts";

/** The list of chains, or one of them. */
export const Chains = ({ at }: { readonly at: Place }): ComponentChildren =>
  at.id === undefined ? h(ChainList, { at }) : h(ChainPage, { key: at.id, id: at.id, operation: at.query["op"] });
