import { visibleText } from "../../core/visible-text.ts";

export type Outcome = "translated" | "approximated" | "not translated";

/** What became of one annotation or field. */
export interface ReportRow {
  /** The annotation's full name, or the path of a field. */
  readonly subject: string;
  readonly outcome: Outcome;
  /** What it became, or why it became nothing. */
  readonly text: string;
  /** What a person has to do. Absent where there is nothing to decide. */
  readonly todo?: string;
}

/** What became of one Ingress. */
export interface IngressReport {
  readonly namespace: string;
  readonly name: string;
  /** `FILE:LINE` */
  readonly place: string;
  readonly rows: readonly ReportRow[];
  /** Why its routes are printed as comments. Empty when they are not. */
  readonly withheld: readonly string[];
}

const lead: Readonly<Record<Outcome, string>> = {
  translated: "",
  approximated: "approximated: ",
  "not translated": "not translated: ",
};

/** The report as a table, a line each: what, and what became of it; below that what is left to do. */
export function formatReport(reports: readonly IngressReport[]): string[] {
  return reports.flatMap(({ namespace, name, place, rows, withheld }) => {
    const width = Math.max(0, ...rows.map(({ subject }) => visibleText(subject).length));
    const indent = " ".repeat(width + 4);
    return [
      visibleText(`${namespace}/${name}  (${place})`),
      ...withheld.map((reason) => visibleText(`  ! its routes are printed as comments: ${reason}`)),
      ...rows.flatMap(({ subject, outcome, text, todo }) => [
        `  ${visibleText(subject).padEnd(width)}  ${visibleText(`${lead[outcome]}${text}`)}`,
        ...(todo === undefined ? [] : [`${indent}to do: ${visibleText(todo)}`]),
      ]),
      "",
    ];
  });
}

/** True when a person has to decide or do something. */
export const needsPerson = ({ rows, withheld }: IngressReport) =>
  withheld.length > 0 || rows.some(({ todo }) => todo !== undefined);
