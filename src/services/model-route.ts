import type { AnswerHeaders, CanonicalRequest, Reply, Route } from "../core/exchange.ts";
import type { ModelRule, ModelTarget } from "../core/model-rule.ts";
import { compileCors, type Cors } from "./cors.ts";
import type { FilterConfig, PathEdit } from "./filter-config.ts";
import { compileHeaderEdits, editHeaders, type HeaderEdit } from "./header-edits.ts";
import { preflightMethodOf } from "./match-table.ts";
import { editPath, replacePrefix } from "./path-edit.ts";
import type { BackendConfig, RuleConfig } from "./route-config.ts";
import { createChoice, NO_BACKEND } from "./rule.ts";

/** A rule for calls of models, compiled once; `at` gives what its route needs for one `match`. */
export interface CompiledModelRule {
  at(prefix: string | undefined): Pick<Route, "models" | "dress"> & { readonly models: ModelRule };
}

const nowhere: ModelTarget = { kind: "none", name: "", why: NO_BACKEND, editHeaders: undefined };

export function compileModelRule({ filters, to, timeouts }: RuleConfig): CompiledModelRule {
  const corsConfig = filters.find((filter) => "cors" in filter)?.cors;
  const cors = corsConfig && compileCors(corsConfig);
  const path = filters.find((filter) => "rewrite" in filter)?.rewrite.path;
  const answerEdits = filters.flatMap((filter) =>
    "responseHeaders" in filter ? compileHeaderEdits(filter.responseHeaders) : [],
  );
  const weighted = to.map((each) => ({ weight: each.weight, to: toTarget(each, filters) }));
  const common = {
    choose: createChoice(weighted, nowhere),
    targets: weighted.map((each) => each.to),
    preflight:
      cors &&
      ((request: CanonicalRequest) => (preflightMethodOf(request) === undefined ? undefined : cors.preflight(request))),
    requestMs: timeouts.request ?? 0,
    backendMs: timeouts.backend ?? 0,
  };
  const dress =
    cors === undefined && answerEdits.length === 0
      ? undefined
      : (reply: Reply, request: CanonicalRequest) => new DressedReply(reply, request, cors, answerEdits);
  return {
    at: (prefix) => ({ models: { ...common, pathsOf: (asked) => pathsOf(asked, path, prefix) }, dress }),
  };
}

function pathsOf(asked: string, edit: PathEdit | undefined, prefix: string | undefined): readonly string[] {
  const edited = editPath(asked, edit, prefix);
  return prefix === undefined || prefix === "/" ? [edited] : [edited, replacePrefix(asked, prefix, "")];
}

function toTarget(to: BackendConfig, filters: readonly FilterConfig[]): ModelTarget {
  if ("unresolved" in to) return { ...nowhere, why: to.unresolved };
  if ("service" in to) return nowhere;
  const edits = [...filters, ...to.filters].flatMap((filter) =>
    "requestHeaders" in filter ? compileHeaderEdits(filter.requestHeaders) : [],
  );
  return {
    ...("pool" in to ? { kind: "pool", name: to.pool } : { kind: "model", name: to.model }),
    why: "",
    editHeaders: edits.length === 0 ? undefined : (headers) => editHeaders(headers, edits),
  };
}

/** An answer with the headers that a rule adds, changes and takes out, and with what its CORS filter says. */
class DressedReply implements Reply {
  readonly #reply: Reply;
  readonly #request: CanonicalRequest;
  readonly #cors: Cors | undefined;
  readonly #edits: readonly HeaderEdit[];
  /* Kept back, so that edits see them too. */
  readonly #extra: Record<string, string> = Object.create(null);

  constructor(reply: Reply, request: CanonicalRequest, cors: Cors | undefined, edits: readonly HeaderEdit[]) {
    this.#reply = reply;
    this.#request = request;
    this.#cors = cors;
    this.#edits = edits;
  }

  get started(): boolean {
    return this.#reply.started;
  }

  get status(): number {
    return this.#reply.status;
  }

  setHeader(name: string, value: string): void {
    this.#extra[name] = value;
  }

  send(status: number, headers: AnswerHeaders, body?: Buffer | string): void {
    this.#reply.send(status, this.#dress(headers), body);
  }

  open(status: number, headers: AnswerHeaders): void {
    this.#reply.open(status, this.#dress(headers));
  }

  write(chunk: Buffer | string): Promise<void> | void {
    return this.#reply.write(chunk);
  }

  end(): void {
    this.#reply.end();
  }

  destroy(): void {
    this.#reply.destroy();
  }

  #dress(given: AnswerHeaders): AnswerHeaders {
    const headers: Record<string, string | string[]> = { ...this.#extra, ...given };
    editHeaders(headers, this.#edits);
    return this.#cors === undefined ? headers : { ...this.#cors.answer(this.#request), ...headers };
  }
}
