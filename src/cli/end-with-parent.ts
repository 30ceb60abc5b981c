/* Loaded before a sample: its standard input is a pipe from the gateway, which closes however the gateway ends, a kill included. */
process.stdin.on("close", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();
