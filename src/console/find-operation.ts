import { setImmediate } from "node:timers/promises";
import type { Journal } from "../observability/journal.ts";
import type { JournalRecord } from "../observability/journal-record.ts";

const PAGE = 1_000;
const MOST_RECORDS = 20_000;

/** Whether it can be the id of a request or a chain, in lower case. */
export const isId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/**
 * The record of an operation, or of the newest one of a request by its id, one that did not end well before others. An operation is looked for among those of its chain where that is known, else among the newest, for operations are not searched by. Undefined:
 * it is not there.
 */
export async function findOperation(
  journal: Pick<Journal, "query">,
  operationId: string,
  chain: string | undefined,
): Promise<JournalRecord | undefined> {
  if (chain === undefined && isId(operationId)) {
    const { records } = await journal.query({ request: operationId, limit: PAGE });
    const asked = records.find(({ outcome }) => outcome !== "ok") ?? records[0];
    if (asked !== undefined) return asked;
  }
  let after: string | undefined;
  for (let count = 0; count < MOST_RECORDS;) {
    const page = await journal.query({
      limit: PAGE,
      ...(chain !== undefined && { chain }),
      ...(after !== undefined && { after }),
    });
    const found = page.records.find((record) => record.operationId === operationId);
    if (found !== undefined) return found;
    if (page.next === undefined) return undefined;
    count += Math.max(1, page.records.length);
    after = page.next;
    await setImmediate();
  }
  return undefined;
}

/** The newest records, newest first, and whether there are older ones. */
export async function newestRecords(
  journal: Pick<Journal, "query">,
  most: number,
): Promise<{ readonly records: readonly JournalRecord[]; readonly complete: boolean }> {
  const records: JournalRecord[] = [];
  let after: string | undefined;
  while (records.length < most) {
    const page = await journal.query({
      limit: Math.min(PAGE, most - records.length),
      ...(after !== undefined && { after }),
    });
    records.push(...page.records);
    if (page.next === undefined) return { records, complete: true };
    after = page.next;
    await setImmediate();
  }
  return { records, complete: false };
}
