/** What the language or the runtime throws when code is wrong: here the place is what helps. */
const bugs = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError] as const;

/* What the system refuses of a path, and what to do. `operation` is the system's own word for what was tried. */
const pathFailures: Readonly<Record<string, (path: string, operation: string) => string>> = {
  ENOENT: (path) => `there is no ${path}: check the path, or make it first`,
  ENOTDIR: (path) => `${path} cannot be reached: something on the way to it is no folder`,
  EISDIR: (path) => `${path} is a folder: name a file`,
  EEXIST: (path) => `${path} is there already: move it away, or choose another path`,
  EACCES: (path, operation) => `${path}: this account may not ${operation} it; see its owner and its permissions`,
  EPERM: (path, operation) => `${path}: this account may not ${operation} it; see its owner and its permissions`,
  EROFS: (path) => `${path} lies on a file system that cannot be written to: choose another path`,
  ENOSPC: (path) => `${path} cannot be written: there is no space left`,
};

/* The same of an address to listen on; the edge itself says what is to say of one in use. */
const listenFailures: Readonly<Record<string, (address: string) => string>> = {
  EADDRNOTAVAIL: (address) => `${address} is no address of this machine: choose another host to listen on`,
  EACCES: (address) => `this account may not listen on ${address}: choose a port from 1024 up`,
};

function systemText(error: NodeJS.ErrnoException & { address?: string; port?: number }): string | undefined {
  const { code = "", syscall = "", path, address, port } = error;
  /* Node gives no port where any free one was asked for. */
  if (syscall === "listen" && address !== undefined)
    return listenFailures[code]?.(port === undefined ? address : `${address}:${port}`);
  /* Reading one tells no path. */
  if (code === "EISDIR" && path === undefined) return "a folder was given where a file is needed: name a file";
  return path === undefined ? undefined : pathFailures[code]?.(path, syscall);
}

/** What a person is told of a failed command, and the lines of the stack where the failure is a mistake in the code. */
export function failureText(thrown: unknown): { readonly message: string; readonly stack: string | undefined } {
  if (!(thrown instanceof Error)) return { message: String(thrown), stack: undefined };
  const bug = bugs.some((kind) => thrown instanceof kind);
  const message = systemText(thrown) ?? (thrown.message === "" ? thrown.name : thrown.message);
  return { message, stack: bug ? thrown.stack?.slice(thrown.stack.indexOf("\n    at ") + 1) : undefined };
}
