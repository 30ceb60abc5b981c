/**
 * Sends announcements one after the other. One that waits already is not sent twice: it says no more the second time, and a caller who
 * does not read would have them pile up. `send` must not reject.
 */
export function createAnnouncer(send: (message: string) => void | Promise<void>): (message: string) => void {
  const due = new Set<string>();
  let sending = false;

  async function sendAll(): Promise<void> {
    sending = true;
    // A set gives what is added meanwhile too.
    for (const message of due) {
      due.delete(message);
      await send(message);
    }
    sending = false;
  }

  return (message) => {
    due.add(message);
    if (!sending) void sendAll();
  };
}
