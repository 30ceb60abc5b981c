import type { ChainAccounts } from "../budgets/chains/chain-accounts.ts";
import type { Journal } from "../observability/journal.ts";
import type { JournalRecord } from "../observability/journal-record.ts";
import { toChainTree } from "../observability/journal-tree.ts";

/* As much as a person can look at, and some 5 MB of JSON. */
const MOST_RECORDS = 10_000;
const PAGE = 1_000;

async function recordsOf(journal: Journal, chain: string) {
  const records: JournalRecord[] = [];
  let after: string | undefined;
  do {
    const page = await journal.query({ chain, limit: PAGE, ...(after !== undefined && { after }) });
    records.push(...page.records);
    after = page.next;
  } while (after !== undefined && records.length < MOST_RECORDS);
  return { records, complete: after === undefined };
}

/**
 * A chain as one tree, found by its own id or by that of one of its requests, with what marked it. `complete`: whether all of its records
 * are in the tree; the oldest are left out first. Undefined when there are none.
 */
export async function showChain(journal: Journal, accounts: ChainAccounts, id: string): Promise<unknown> {
  let { records, complete } = await recordsOf(journal, id);
  if (records.length === 0) {
    const [one] = (await journal.query({ request: id, limit: 1 })).records;
    if (one !== undefined) ({ records, complete } = await recordsOf(journal, one.chainId));
  }
  const tree = toChainTree(records);
  if (tree === undefined) return undefined;
  const { taintedBy } = await accounts.totals(tree.chainId);
  return { ...tree, complete, ...(taintedBy !== undefined && { taintedBy }) };
}
