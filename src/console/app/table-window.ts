/** What of a long list is drawn: rows from `first` up to and without `end`, in the room that all of them would take. */
export interface TableWindow {
  readonly first: number;
  readonly end: number;
  readonly whole: number;
}

export interface WindowOf {
  readonly rows: number;
  readonly rowHeight: number;
  readonly scrollTop: number;
  readonly viewHeight: number;
  /** Rows beyond the edges that are drawn too, so that a quick scroll shows no gap. */
  readonly spare?: number;
}

/** Cuts the rows that can be seen out of a list of any length. */
export function windowOf({ rows, rowHeight, scrollTop, viewHeight, spare = 10 }: WindowOf): TableWindow {
  const top = Math.max(0, Math.min(scrollTop, rows * rowHeight - viewHeight));
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const end = Math.min(rows, Math.ceil((top + viewHeight) / rowHeight) + spare);
  return { first, end: Math.max(first, end), whole: rows * rowHeight };
}

/** Where to scroll so that a row is in view; undefined: it is. */
export function scrollTo(row: number, { rowHeight, scrollTop, viewHeight }: WindowOf): number | undefined {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + viewHeight) return top + rowHeight - viewHeight;
  return undefined;
}

/** The row a key leads to from `row`; undefined: the key is none of the table's. */
export function rowOfKey(key: string, row: number, rows: number, page: number): number | undefined {
  const last = rows - 1;
  const to = (wanted: number) => Math.max(0, Math.min(last, wanted));
  switch (key) {
    case "ArrowDown":
    case "j":
      return to(row + 1);
    case "ArrowUp":
    case "k":
      return to(row - 1);
    case "PageDown":
      return to(row + page);
    case "PageUp":
      return to(row - page);
    case "Home":
      return to(0);
    case "End":
      return to(last);
    default:
      return undefined;
  }
}
