/** Sets an entry of a map that holds at most `limit`; the one set longest ago goes. An entry set again is the newest. */
export function setBounded<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  if (!map.delete(key) && map.size >= limit) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(key, value);
}
