import { mkdir, readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

/* Files of one folder, over stdio or HTTP, in both eras of the protocol. Nothing outside the folder can be reached, not by a link either. */

const { values: flags } = parseArgs({
  options: {
    stdio: { type: "boolean", default: false },
    port: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    root: { type: "string", default: join(import.meta.dirname, "sample") },
  },
});
await mkdir(flags.root, { recursive: true });
const root = await realpath(flags.root);
const LIMIT_BYTES = 1024 * 1024;

/** The real path of a name in the folder. Throws for what lies outside. */
async function inside(name: string): Promise<string> {
  const wanted = resolve(root, name);
  if (wanted !== root && !wanted.startsWith(root + sep)) throw new Error(`${name} is outside of the folder`);
  /* What does not exist yet has a parent that does. */
  const real = await realpath(wanted).catch(async () => join(await realpath(dirname(wanted)), basename(wanted)));
  if (real !== root && !real.startsWith(root + sep)) throw new Error(`${name} is outside of the folder`);
  return real;
}

async function read(name: string): Promise<string> {
  const path = await inside(name);
  if ((await stat(path)).size > LIMIT_BYTES) throw new Error(`${name} is larger than 1 MiB`);
  return await readFile(path, "utf8");
}

async function names(folder: string): Promise<string[]> {
  const entries = await readdir(await inside(folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
}

const text = (value: string) => ({ content: [{ type: "text" as const, text: value }] });

function createFiles(): McpServer {
  const server = new McpServer(
    { name: "files", version: "1.0.0" },
    { instructions: "Reads and writes text files of one folder." },
  );
  server.registerTool(
    "read_file",
    {
      title: "Read a file",
      description: "The text of one file.",
      inputSchema: z.object({ path: z.string() }),
      annotations: { readOnlyHint: true },
    },
    async ({ path }) => text(await read(path)),
  );
  server.registerTool(
    "list_files",
    {
      title: "List files",
      description: "The names of all files below a folder.",
      inputSchema: z.object({ folder: z.string().default(".") }),
      outputSchema: z.object({ files: z.array(z.string()) }),
      annotations: { readOnlyHint: true },
    },
    async ({ folder }) => {
      const files = await names(folder);
      return { ...text(files.join("\n")), structuredContent: { files } };
    },
  );
  server.registerTool(
    "write_file",
    {
      title: "Write a file",
      description: "Replaces the text of one file.",
      inputSchema: z.object({ path: z.string(), content: z.string().max(LIMIT_BYTES) }),
      annotations: { destructiveHint: true },
    },
    async ({ path, content }) => {
      await writeFile(await inside(path), content);
      return text(`wrote ${Buffer.byteLength(content)} bytes to ${path}`);
    },
  );
  const template = new ResourceTemplate("file:///{+path}", {
    list: async () => ({
      resources: (await names(".")).map((name) => ({ uri: `file:///${name}`, name, mimeType: "text/plain" })),
    }),
  });
  server.registerResource("file", template, { title: "A file", mimeType: "text/plain" }, async (uri, { path }) => ({
    contents: [{ uri: uri.href, mimeType: "text/plain", text: await read(decodeURIComponent(String(path))) }],
  }));
  return server;
}

if (flags.stdio || flags.port === undefined) {
  serveStdio(createFiles);
} else {
  const handler = toNodeHandler(createMcpHandler(createFiles));
  const http = createServer(
    (request, response) => void handler(request as IncomingMessage & { method: string; url: string }, response),
  );
  http.listen(Number(flags.port), flags.host, () => {
    console.log(JSON.stringify({ url: `http://${flags.host}:${(http.address() as AddressInfo).port}/mcp` }));
  });
  process.once("SIGTERM", () => process.exit(0));
}
