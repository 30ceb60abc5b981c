import type { Counts } from "./health.ts";
import type { Member } from "./member.ts";

/** How the calls of all the others of a pool went: where they fail too, it is not one endpoint's doing. */
export function countOthers(members: Iterable<Member>, member: Member, nowMs: number): Counts {
  let calls = 0;
  let failures = 0;
  for (const other of members) {
    if (other === member) continue;
    const record = other.health.record.read(nowMs);
    calls += record.calls;
    failures += record.failures;
  }
  return { calls, failures };
}

/** Whether one more may rest. At most half of a pool does at a time: the others would have to carry it all. */
export function mayEject(members: Iterable<Member>, nowMs: number): boolean {
  const states = [...members].filter(({ leaving }) => !leaving).map(({ health }) => health.state(nowMs));
  return (states.filter((state) => state !== "well").length + 1) * 2 <= states.length;
}
