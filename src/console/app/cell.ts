import { useEffect, useState } from "preact/hooks";

/** One value that several parts of the page look at. */
export interface Cell<T> {
  get(): T;
  set(value: T): void;
  /** Called on every change until the returned function is. */
  watch(listener: () => void): () => void;
}

export function createCell<T>(first: T): Cell<T> {
  const listeners = new Set<() => void>();
  let value = first;
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The cell's value; the component is drawn again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [, draw] = useState(0);
  useEffect(() => cell.watch(() => draw((times) => times + 1)), [cell]);
  return cell.get();
}
