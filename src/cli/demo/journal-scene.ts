import { describeChain, type ShownChain } from "../describe-chain.ts";
import type { TreeNode } from "../../observability/journal-tree.ts";
import type { Scene } from "./scene.ts";

interface Record {
  readonly chainId: string;
  readonly depth: number;
}

export const journalScene: Scene = {
  title: "The journal: all that one user request set off, as a tree with its cost",
  async play({ gateway, tell, check }) {
    const page = await (await gateway.admin("/api/journal?limit=200")).json();
    const { records } = page as { records: readonly Record[] };
    const handedOn = records.find(({ depth }) => depth > 0);
    check(handedOn !== undefined, "the journal has calls that an agent made for the user's request");
    const chain = (await (await gateway.admin(`/api/chains/${handedOn?.chainId}`)).json()) as ShownChain;
    tell(`sallyport journal --chain ${handedOn?.chainId}`);
    for (const line of describeChain(chain)) tell(line);
    const [root, ...others] = chain.children;
    const protocols = new Set([root, ...(root?.children ?? [])].map((node) => node?.record.protocol));
    check(
      others.length === 0 && ["a2a", "mcp", "llm"].every((protocol) => protocols.has(protocol as never)),
      "agents, tools and models hang below the one request of the user",
    );
    check(
      chain.costNanos > 0 && chain.costNanos === sumOf(chain.children),
      "what each of them cost is summed up at its root",
    );
  },
};

const sumOf = (nodes: readonly TreeNode[]): number =>
  nodes.reduce((sum, { record, children }) => sum + (record.costNanos ?? 0) + sumOf(children), 0);
