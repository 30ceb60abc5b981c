import { type ComponentChildren, h } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { rowOfKey, scrollTo, windowOf } from "../table-window.ts";
import { Icon } from "./icon.ts";

export interface Column<Row> {
  readonly key: string;
  readonly title: ComponentChildren;
  /** A class that says how wide it is: `grow`, `w4` …; absent: 6rem. */
  readonly width?: string;
  readonly number?: boolean;
  /** Left out on a phone. */
  readonly wideOnly?: boolean;
  /** Whether the list can be put in its order. */
  readonly sorts?: boolean;
  render(row: Row): ComponentChildren;
}

interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** How many there are, where not all of them are here yet. */
  readonly total?: number | undefined;
  keyOf(row: Row): string;
  /** What a screen reader says of a row before its cells. */
  nameOf(row: Row): string;
  onOpen(row: Row): void;
  readonly selected?: string | undefined;
  readonly sort?: string | undefined;
  readonly onSort?: (key: string) => void;
  /** The end of what is here has come into view. */
  readonly onEnd?: (() => void) | undefined;
  /** Where the rows are those of a tree: what else is said of one. */
  readonly branch?: (row: Row) => Branch;
  /** Where the rows are those of a tree: a branch is wanted open or closed. */
  readonly onBranch?: (row: Row, open: boolean) => void;
  /** Whether the reader is past the first rows, or inside: new rows would push away what they look at. */
  readonly onBusy?: (busy: boolean) => void;
  /** Whether a row has two lines on a phone. */
  readonly tall?: boolean;
}

/** The place of a row in a tree. */
export interface Branch {
  readonly level: number;
  readonly position: number;
  readonly brothers: number;
  /** Undefined: nothing hangs below it. */
  readonly open: boolean | undefined;
}

/** A list of any length: only the rows in view are drawn. One stop for Tab; arrows, Page, Home and End move, Enter opens. */
export function Table<Row>(props: TableProps<Row>): ComponentChildren {
  const { label, columns, rows, keyOf, nameOf, onOpen, selected, sort, onSort, onEnd, onBusy, branch } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, row: 44 });
  /* The row that Tab leads to, by its key: rows may come in above it. */
  const [current, setCurrent] = useState<string | undefined>(undefined);
  const [inside, setInside] = useState({ focus: false, pointer: false });
  const wantsFocus = useRef(false);
  const at = Math.max(
    0,
    rows.findIndex((row) => keyOf(row) === current),
  );
  const size = { rows: rows.length, rowHeight: view.row, scrollTop: view.top, viewHeight: view.height };
  const { first, end, whole } = windowOf(size);
  /* The current row is always there, or Tab would find nothing and focus would be lost on scrolling. In its order, so that it need not be moved. */
  const places = Array.from({ length: end - first }, (_, index) => first + index);
  if (at < first && rows.length > 0) places.unshift(at);
  else if (at >= end && at < rows.length) places.push(at);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const row = rem * Number.parseFloat(getComputedStyle(element).getPropertyValue("--row-rem"));
      const next = { top: element.scrollTop, height: element.clientHeight, row };
      setView((known) =>
        known.top === next.top && known.height === next.height && known.row === next.row ? known : next,
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);

  const busy = inside.focus || inside.pointer || view.top > 0;
  useEffect(() => onBusy?.(busy), [busy]);
  const atEnd = end >= rows.length && rows.length > 0;
  useEffect(() => {
    if (atEnd) onEnd?.();
  }, [atEnd, rows.length]);

  useLayoutEffect(() => {
    /* A row that had the focus may have been taken out and drawn anew: the browser then gives the focus to nobody. */
    if (!wantsFocus.current && !(inside.focus && document.activeElement === document.body)) return;
    wantsFocus.current = false;
    box.current?.querySelector<HTMLElement>(`[aria-rowindex="${at + 2}"]`)?.focus({ preventScroll: true });
  });

  function onKeyDown(event: KeyboardEvent): void {
    const row = rows[at];
    if (event.altKey || event.ctrlKey || event.metaKey || row === undefined) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return onOpen(row);
    }
    if (branch !== undefined && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      return onArrow(row, event.key === "ArrowRight");
    }
    const to = rowOfKey(event.key, at, rows.length, Math.max(1, Math.floor(view.height / view.row) - 1));
    if (to === undefined) return;
    event.preventDefault();
    moveTo(to);
  }

  function moveTo(to: number): void {
    const target = rows[to];
    if (target === undefined) return;
    const top = scrollTo(to, { ...size, scrollTop: box.current?.scrollTop ?? 0 });
    if (top !== undefined) box.current?.scrollTo({ top });
    wantsFocus.current = to !== at;
    setCurrent(keyOf(target));
  }

  /* Right opens a branch, then goes into it; left closes it, or leads to what it hangs on. */
  function onArrow(row: Row, right: boolean): void {
    const { level = 1, open } = branch?.(row) ?? {};
    if (open === !right) return props.onBranch?.(row, right);
    if (right && open === true) return moveTo(at + 1);
    if (right) return;
    for (let above = at - 1; above >= 0; above--) {
      const other = rows[above];
      if (other !== undefined && (branch?.(other).level ?? 1) < level) return moveTo(above);
    }
  }

  const draw = (row: Row, index: number): ComponentChildren => {
    const key = keyOf(row);
    return h(
      "div",
      {
        key,
        role: "row",
        "aria-rowindex": index + 2,
        "aria-label": nameOf(row),
        "aria-selected": key === selected,
        ...(branch !== undefined && branchProps(branch(row))),
        tabIndex: index === at ? 0 : -1,
        onClick: () => {
          setCurrent(key);
          onOpen(row);
        },
        onFocus: () => setCurrent(key),
        style: { top: `${index * view.row}px` },
      },
      columns.map((column) =>
        h("div", { key: column.key, role: "gridcell", class: cellClass(column) }, column.render(row)),
      ),
    );
  };

  return h(
    "div",
    {
      class: props.tall === true ? "table tall" : "table",
      role: branch === undefined ? "grid" : "treegrid",
      "aria-label": label,
      "aria-rowcount": (props.total ?? rows.length) + 1,
      "aria-colcount": columns.length,
      onFocusIn: () => setInside((known) => ({ ...known, focus: true })),
      onFocusOut: () => setInside((known) => ({ ...known, focus: false })),
      onPointerEnter: () => setInside((known) => ({ ...known, pointer: true })),
      onPointerLeave: () => setInside((known) => ({ ...known, pointer: false })),
    },
    h(
      "div",
      { role: "rowgroup" },
      h(
        "div",
        { class: "head", role: "row", "aria-rowindex": 1 },
        columns.map((column) => h(Heading<Row>, { key: column.key, column, sort, onSort })),
      ),
    ),
    h(
      "div",
      { class: "rows", ref: box, role: "rowgroup", onKeyDown },
      h(
        "div",
        { class: "whole", role: "presentation", style: { height: `${whole}px` } },
        places.map((index) => draw(rows[index] as Row, index)),
      ),
    ),
  );
}

const branchProps = ({ level, position, brothers, open }: Branch) => ({
  "aria-level": level,
  "aria-posinset": position,
  "aria-setsize": brothers,
  ...(open !== undefined && { "aria-expanded": open }),
});

interface HeadingProps<Row> {
  readonly column: Column<Row>;
  readonly sort: string | undefined;
  readonly onSort: ((key: string) => void) | undefined;
}

function Heading<Row>({ column, sort, onSort }: HeadingProps<Row>): ComponentChildren {
  const { key, title, sorts = false } = column;
  const sorted = sort === key;
  return h(
    "div",
    { role: "columnheader", class: cellClass(column), ...(sorts && { "aria-sort": sorted ? "descending" : "none" }) },
    sorts && onSort !== undefined
      ? h(
          "button",
          { type: "button", onClick: () => onSort(key) },
          title,
          sorted && h(Icon, { name: "down", size: 12 }),
        )
      : title,
  );
}

const cellClass = <Row>({ width = "", number = false, wideOnly = false }: Column<Row>): string =>
  `cell ${width}${number ? " number" : ""}${wideOnly ? " wide-only" : ""}`;
