import { startVitest } from "vitest/node";
import { type ClientPackage, missingClient } from "../../src/inference/cache/vectors/load-client.ts";
import { kubeVersions, startKubeApiServer } from "./kube-apiserver.ts";
import { startPythonServer, type PythonServer } from "./python-server.ts";

/** What a suite runs against, and what it is told of it by its environment; or what is missing. */
type Started = { readonly env: Readonly<Record<string, string>>; stop(): Promise<void> } | string;

async function startVectorStore(server: PythonServer & { readonly client: ClientPackage }): Promise<Started> {
  const missing = missingClient(server.client);
  if (missing !== undefined) return missing.replace("npm install", "npm install --no-save");
  const running = await startPythonServer(server);
  return typeof running === "string"
    ? running
    : { env: { SALLYPORT_CONTRACT_PORT: String(running.port) }, stop: running.stop };
}

/* These servers are not npm's, and too much for every run of the tests, so that their contract has a command. */
const servers: Readonly<Record<string, () => Promise<Started>>> = {
  chroma: () =>
    startVectorStore({
      client: "chromadb",
      module: "chromadb",
      install: "pip install chromadb",
      program: "from chromadb.cli.cli import app; app()",
      args: (port, dir) => ["run", "--host", "127.0.0.1", "--port", String(port), "--path", dir],
    }),
  milvus: () =>
    startVectorStore({
      client: "@zilliz/milvus2-sdk-node",
      module: "milvus_lite",
      install: "pip install milvus-lite pymilvus",
      program: "from milvus_lite.cmdline import main; main()",
      args: (port, dir) => ["server", "--host", "127.0.0.1", "--port", String(port), "--data-dir", dir],
    }),
  async "kube-apiserver"() {
    const running = await startKubeApiServer();
    if (typeof running === "string") return running;
    console.log(kubeVersions());
    const { url, token, stop } = running;
    return { env: { SALLYPORT_CONTRACT_URL: url, SALLYPORT_CONTRACT_TOKEN: token }, stop };
  },
};

const name = process.argv[2] ?? "";
const start = servers[name];
if (start === undefined) {
  console.error(`npm run contract -- ${Object.keys(servers).join("|")}`);
  process.exit(2);
}
const running = await start();
if (typeof running === "string") {
  console.error(`contract ${name}: ${running}`);
  process.exit(1);
}
try {
  Object.assign(process.env, running.env);
  const vitest = await startVitest("test", [], {
    include: [`test/contract/${name}.suite.ts`],
    watch: false,
    testTimeout: 120_000,
  });
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const passed = tests.filter((test) => test.result().state === "passed").length;
  await vitest.close();
  console.log(`contract ${name}: ${passed}/${tests.length} passed`);
  process.exitCode = passed === tests.length && passed > 0 ? 0 : 1;
} finally {
  await running.stop();
}
