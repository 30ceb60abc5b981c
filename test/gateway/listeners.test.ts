import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { startGateway } from "../../src/gateway/gateway.ts";

const yaml = `
publicUrl: https://localhost
listen: { host: 127.0.0.1, port: 0, console: { port: 0 }, health: { host: 127.0.0.1, port: 0 }, tls: { cert: tls.crt, key: tls.key } }
auth: { embedded: true }
policies: open
observability: { log: { level: error } }
drain: { grace: 1ms }
state: memory
`;

test("TLS files lie where the configuration says, seen from its own folder", async () => {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-"));
  const file = join(dir, "sallyport.yaml");
  writeFileSync(file, yaml);
  try {
    expect(() => loadConfig(file)).toThrow(/listen\.tls\.cert[^]*no such file[^]*listen\.tls\.key[^]*no such file/);
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"];
    const files = ["-keyout", join(dir, "tls.key"), "-out", join(dir, "tls.crt")];
    await promisify(execFile)("openssl", ["req", "-x509", ...curve, ...files]);
    const gateway = await startGateway(loadConfig(file));
    try {
      const subject = await new Promise((resolve, reject) => {
        const { port } = gateway.addresses.data;
        const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().subject.CN);
          socket.destroy();
        });
        socket.on("error", reject);
      });
      expect(subject).toBe("localhost");
    } finally {
      await gateway.drain();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
