import { defineAnnotations } from "../annotation-group.ts";
import { rulesOf } from "../migration.ts";

export const mirror = defineAnnotations({
  title: "Mirroring",
  annotations: {
    "mirror-target": {
      outcome: "translated",
      text: "RequestMirror, where the address is that of a Service (http://NAME.NAMESPACE.svc:PORT$request_uri); nginx waited for the mirror, a gateway does not",
    },
    "mirror-host": {
      outcome: "not translated",
      text: "a mirrored request carries the host of the original",
      todo: "have the mirror accept that host",
    },
    "mirror-request-body": {
      outcome: "translated",
      text: "on: as it is. A RequestMirror cannot leave the body out",
    },
  },
  apply(migration) {
    const target = migration.get("mirror-target");
    const body = migration.get("mirror-request-body");
    const backend = target === undefined ? undefined : parseService(target);
    if (target !== undefined && backend === undefined)
      migration.notTranslated(
        "mirror-target",
        "a RequestMirror leads to a Service, with the path as it came",
        "make a Service for the mirror and write a RequestMirror filter",
      );
    if (backend !== undefined && body === "off")
      migration.notTranslated(
        "mirror-target",
        "without the body (mirror-request-body: off), which a RequestMirror cannot leave out",
        "write a RequestMirror filter if the mirror may see bodies",
      );
    else if (backend !== undefined) {
      const home =
        backend.namespace === migration.ingress.namespace ? { name: backend.name, port: backend.port } : backend;
      for (const rule of rulesOf(migration)) rule.mirrors.push(home);
      migration.approximated(
        "mirror-target",
        `RequestMirror to ${backend.namespace}/${backend.name}; nginx waited for the mirror, a gateway does not`,
      );
    }
    if (body !== undefined && body !== "off") migration.translated("mirror-request-body", "on: as it is");
    else if (body !== undefined)
      migration.notTranslated("mirror-request-body", "a RequestMirror cannot leave the body out", "see mirror-target");
  },
});

function parseService(target: string): { name: string; namespace: string; port: number } | undefined {
  const parts =
    /^http:\/\/([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?(?::(\d{1,5}))?\/?(?:\$request_uri)?$/.exec(target);
  if (parts === null || parts[1] === undefined || parts[2] === undefined) return undefined;
  return { name: parts[1], namespace: parts[2], port: Number(parts[3] ?? 80) };
}
