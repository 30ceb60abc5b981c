import { expect, it } from "vitest";
import { answer, fail, ModelServer } from "./model-server.ts";
import { call, calls, startGateway, startServers, until } from "./pool-scene.ts";

const refuse = (status: number) => (response: Parameters<ModelServer["onCall"]>[0]) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`{"error":{"message":"this is ${status}"}}`);
};

const sum = (servers: readonly ModelServer[]) => servers.reduce((sent, server) => sent + server.calls, 0);

/** Servers of which the first to be asked fails, whichever it is. */
async function failFirst(count: number, onCall: ModelServer["onCall"]): Promise<ModelServer[]> {
  const servers = await startServers(count);
  let asked = 0;
  for (const server of servers) server.onCall = (response) => (asked++ === 0 ? onCall(response) : answer(response));
  return servers;
}

it.each([500, 502, 503, 504])("a call that one endpoint answers with %i is answered by another", async (status) => {
  const servers = await failFirst(2, refuse(status));
  const gateway = await startGateway(servers);
  expect(await call(gateway)).toBe(200);
  expect(servers.map((server) => server.calls)).toEqual([1, 1]);
  expect(gateway.carried).toHaveLength(1);
  const { context } = gateway.carried[0]!;
  const picked = context.picks!.map((write) => (JSON.parse(write()) as { readonly picked: string }).picked);
  expect(picked.toSorted()).toEqual(servers.map(({ port }) => `127.0.0.1:${port}`).toSorted());
  expect(context.notes).toEqual([`${picked[0]} answered ${status}, and another was asked`]);
  expect(context.upstreamStatus).toBe(200);
});

it("is sent to another once: where that fails too, the caller is told what it said", async () => {
  const servers = await startServers(3);
  for (const server of servers) server.onCall = fail;
  const gateway = await startGateway(servers);
  expect(await call(gateway)).toBe(500);
  expect(sum(servers)).toBe(2);
});

it.each([400, 404, 429, 501])("is not sent to another where the first answers %i", async (status) => {
  const servers = await failFirst(2, refuse(status));
  const gateway = await startGateway(servers);
  expect(await call(gateway)).toBe(status);
  expect(sum(servers)).toBe(1);
});

it("is not sent to another once an answer has begun", async () => {
  const servers = await failFirst(2, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n');
    setTimeout(() => response.destroy(), 10);
  });
  const gateway = await startGateway(servers);
  const response = await fetch(`${gateway.url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "llama", stream: true, messages: [{ role: "user", content: "x" }] }),
  });
  expect(await response.text()).toContain("broke off");
  expect(sum(servers)).toBe(1);
});

it("where the others cannot be reached, the caller is told what the one said that was", async () => {
  const servers = await startServers(3);
  for (const server of servers)
    server.onCall = (response) => {
      const others = servers.filter((each) => each !== server);
      void Promise.all(others.map((other) => other.stop())).then(() => fail(response));
    };
  const gateway = await startGateway(servers, { metrics: "off" });
  expect(await call(gateway)).toBe(500);
  expect(sum(servers)).toBe(1);
  expect(gateway.carried[0]!.context.picks).toHaveLength(3);
  expect(gateway.pools.list()[0]!.endpoints.filter(({ state }) => state === "unreachable")).toHaveLength(2);
});

it("is not sent to another while the pool is full", async () => {
  const servers = await startServers(2);
  for (const server of servers) {
    server.onCall = refuse(503);
    server.metrics = "vllm:num_requests_waiting 9\nvllm:num_requests_running 8\n";
  }
  const gateway = await startGateway(servers);
  await until(() => servers.every(({ scrapes }) => scrapes > 1), "both are scraped");
  expect(await call(gateway)).toBe(503);
  expect(sum(servers)).toBe(1);
});

it("where all endpoints fail all calls, adds a fifth of the calls at the most, or ten", async () => {
  const servers = await startServers(4);
  for (const server of servers) server.onCall = fail;
  const gateway = await startGateway(servers);
  expect(new Set(await calls(gateway, 80))).toEqual(new Set([500]));
  expect(sum(servers)).toBeGreaterThanOrEqual(90);
  expect(sum(servers)).toBeLessThanOrEqual(96);
});

it("counts no call that was turned away among those of which a fifth may be added", async () => {
  const servers = await startServers(2);
  for (const server of servers) server.metrics = "vllm:num_requests_waiting 9\nvllm:num_requests_running 8\n";
  const gateway = await startGateway(servers, {
    priority: [{ when: '"x-batch" in request.headers', is: -1 }],
  });
  await until(() => servers.every(({ scrapes }) => scrapes > 1), "both are full");
  for (let count = 0; count < 150; count++) expect(await call(gateway, "x", { "x-batch": "1" })).toBe(429);
  for (const server of servers) {
    server.onCall = fail;
    server.metrics = "vllm:num_requests_waiting 0\nvllm:num_requests_running 0\n";
  }
  const seen = servers.map(({ scrapes }) => scrapes);
  await until(() => servers.every(({ scrapes }, at) => scrapes > seen[at]! + 1), "both have room");
  await calls(gateway, 40);
  expect(sum(servers)).toBeGreaterThan(40);
  expect(sum(servers)).toBeLessThanOrEqual(50);
});

it("keeps to the limit of its model, both endpoints together", async () => {
  const servers = await failFirst(2, (response) => void setTimeout(() => fail(response), 60));
  let hung = 0;
  for (const server of servers) {
    const { onCall } = server;
    server.onCall = (response) => (sum(servers) === 1 ? onCall(response) : void hung++);
  }
  const gateway = await startGateway(servers, {}, { answerTimeout: "200ms" });
  expect(await call(gateway)).toBe(504);
  expect(hung).toBe(1);
  expect(gateway.pools.list()[0]!.endpoints.map(({ requests }) => requests)).toEqual([0, 0]);
});

it.each([
  ["says nothing more", (response: Response) => void response.write("{")],
  ["drips", (response: Response) => drip(response)],
])("a failure whose body %s holds nobody up", async (_, write) => {
  const servers = await failFirst(2, (response) => {
    response.writeHead(500, { "content-type": "application/json" });
    write(response);
  });
  const gateway = await startGateway(servers);
  expect(await call(gateway)).toBe(200);
  expect(servers.map((server) => server.calls)).toEqual([1, 1]);
});

it("whose second endpoint is left before it answers has no status of the first", async () => {
  const servers = await startServers(2);
  let asked = 0;
  for (const server of servers) server.onCall = (response) => (asked++ === 0 ? fail(response) : undefined);
  const gateway = await startGateway(servers);
  const leaving = new AbortController();
  const body = JSON.stringify({ model: "llama", messages: [{ role: "user", content: "x" }] });
  const headers = { "content-type": "application/json" };
  const url = `${gateway.url}/chat/completions`;
  const gone = fetch(url, { method: "POST", headers, body, signal: leaving.signal }).catch(() => "gone");
  await until(() => asked === 2, "the second is asked");
  leaving.abort();
  expect(await gone).toBe("gone");
  await until(() => gateway.carried.length === 1, "the call has ended");
  expect(gateway.carried[0]!.context.upstreamStatus).toBeUndefined();
});

type Response = Parameters<ModelServer["onCall"]>[0];

function drip(response: Response): void {
  const timer = setInterval(() => response.write(" "), 100);
  response.on("close", () => clearInterval(timer));
}
