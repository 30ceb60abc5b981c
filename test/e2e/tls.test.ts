import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { eventually } from "./eventually.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-tls-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
let samples: RunningSamples;
let gateway: ServeProcess;
let port: number;
let url: string;

beforeAll(async () => {
  await makeCertificate("first");
  samples = await startSamples([{ name: "writer", script: "agents/writer/server.ts" }], checkout);
  port = await freePorts();
  url = `https://localhost:${port}`;
  gateway = await startServeProcess(
    dir,
    port,
    `
publicUrl: ${url}
listen: ${listenOn(port).replace("{", "{host: 127.0.0.1, tls: {cert: tls.crt, key: tls.key}, ")}
auth: {embedded: {clients: {app: {secret: "\${env:APP_SECRET}"}}}}
mcp: {servers: {none: {url: "http://127.0.0.1:9/mcp"}}, routes: {/mcp: {servers: [none]}}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}"}}}
models: {small: {provider: vllm, url: "http://127.0.0.1:9"}}
policies: open
state: memory
`,
    { APP_SECRET: secret },
  );
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A certificate of its own for localhost, in place of the one before; `organization` tells them apart. */
async function makeCertificate(organization: string): Promise<void> {
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", `/O=${organization}/CN=localhost`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const [key, cert] = [join(dir, "new.key"), join(dir, "new.crt")];
  await promisify(execFile)("openssl", [...args, ...names, "-keyout", key, "-out", cert]);
  renameSync(key, join(dir, "tls.key"));
  renameSync(cert, join(dir, "tls.crt"));
}

/** Who a new connection finds there, by the certificate it is shown. */
function served(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject["O"]);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

interface Got {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly body: string;
}

/** One request on a connection of its own, which trusts the certificate that lies in the folder now and no other. */
function call(path: string, init: { headers?: Record<string, string>; body?: string } = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { headers = {}, body } = init;
    const options = { ca: readFileSync(join(dir, "tls.crt")), agent: false, headers, host: "127.0.0.1", port, path };
    const method = body === undefined ? "GET" : "POST";
    const sent = request({ ...options, servername: "localhost", method }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          challenge: response.headers["www-authenticate"],
          body: text,
        }),
      );
    });
    sent.setHeader("host", `localhost:${port}`);
    sent.once("error", reject);
    sent.end(body);
  });
}

const json = async (path: string) => JSON.parse((await call(path)).body) as Record<string, unknown>;

test("issuer, metadata, challenges and cards name https addresses, and a token got over TLS works", async () => {
  expect(await json("/.well-known/oauth-authorization-server")).toMatchObject({
    issuer: url,
    token_endpoint: `${url}/oauth/token`,
    jwks_uri: `${url}/oauth/jwks`,
  });
  expect(await json("/.well-known/oauth-protected-resource/mcp")).toMatchObject({
    resource: `${url}/mcp`,
    authorization_servers: [url],
  });
  const refused = await call("/v1/models");
  expect(refused.status).toBe(401);
  expect(refused.challenge).toContain(`resource_metadata="${url}/.well-known/oauth-protected-resource/v1"`);

  const card = await json("/a2a/writer/.well-known/agent-card.json");
  expect(card).toMatchObject({
    supportedInterfaces: expect.arrayContaining([expect.objectContaining({ url: `${url}/a2a/writer` })]) as unknown,
    securitySchemes: {
      oauth2: {
        oauth2SecurityScheme: {
          oauth2MetadataUrl: `${url}/.well-known/oauth-authorization-server`,
          flows: { clientCredentials: { tokenUrl: `${url}/oauth/token` } },
        },
      },
    },
  });
  expect(JSON.stringify(card)).not.toContain("http://");

  const granted = await call("/oauth/token", {
    headers: {
      authorization: `Basic ${Buffer.from(`app:${secret}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: "grant_type=client_credentials",
  });
  const { access_token } = JSON.parse(granted.body) as { access_token: string };
  const models = await call("/v1/models", { headers: { authorization: `Bearer ${access_token}` } });
  expect(models.status).toBe(200);
  expect(models.body).toContain('"small"');
});

test("a new certificate is shown to new connections, and a broken one leaves the last good one in place", async () => {
  expect(await served()).toBe("first");
  await makeCertificate("second");
  await eventually(async () => expect(await served()).toBe("second"), 200);
  expect((await call("/.well-known/oauth-protected-resource")).status).toBe(200);

  writeFileSync(join(dir, "tls.crt"), "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n");
  await eventually(() => expect(gateway.output()).toContain("the last good certificate stays"), 200);
  expect(await served()).toBe("second");

  await makeCertificate("third");
  await eventually(async () => expect(await served()).toBe("third"), 200);
  expect((await call("/.well-known/oauth-protected-resource")).status).toBe(200);
});
