import type { Scene } from "./scene.ts";

interface Record {
  readonly chainId: string;
  readonly depth: number;
  readonly timeMs: number;
  readonly protocol: string;
  readonly method: string;
  readonly target: { readonly name: string };
  readonly outcome: string;
  readonly durationMs: number;
}

export const journalScene: Scene = {
  title: "The journal: one user request as a tree, across agents, tools and models",
  async play({ gateway, tell, check }) {
    const read = async (query: string) =>
      ((await (await gateway.admin(`/api/journal?limit=200${query}`)).json()) as { records: readonly Record[] })
        .records;
    const deepest = (await read("")).reduce<Record | undefined>(
      (best, one) => (best === undefined || one.depth > best.depth ? one : best),
      undefined,
    );
    check((deepest?.depth ?? 0) >= 1, "the journal knows a chain that was handed on");
    if (deepest === undefined) return;
    const chain = [...(await read(`&chain=${deepest.chainId}`))].sort((one, other) => one.timeMs - other.timeMs);
    for (const one of chain) {
      tell(
        `${"  ".repeat(one.depth)}${one.protocol} ${one.method} ${one.target.name} → ${one.outcome} in ${one.durationMs.toFixed(1)} ms`,
      );
    }
    const seen = new Set(chain.map((one) => one.protocol));
    check(
      seen.has("a2a") && seen.has("mcp") && seen.has("llm"),
      "the chain holds agents, tools and models under one id",
    );
  },
};
