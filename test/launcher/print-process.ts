/* What the launcher's tests start: says how it was started, then does what its arguments ask for. */
const [how, value = ""] = process.argv.slice(2);
if (how === "wait") {
  process.on("SIGTERM", () => {
    console.log("asked to stop");
    process.exit(7);
  });
  setInterval(() => {}, 60_000);
}
console.log(
  JSON.stringify({
    pid: process.pid,
    main: import.meta.main,
    argv: process.argv.slice(1),
    version: process.version,
    cwd: process.cwd(),
  }),
);
if (how === "exit") process.exit(Number(value));
if (how === "die") process.kill(process.pid, value);
