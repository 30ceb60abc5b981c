import type { Fault } from "../condition.ts";
import { isGranted } from "../grants.ts";
import { secret } from "../kinds/core.ts";
import type { ListenerSpec } from "../kinds/gateway.ts";
import { certificateFault } from "../../http/certificates.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject } from "./attachment.ts";

/** A certificate with its chain, and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** The certificates of a listener that can be had, and what is wrong with the first of the others. */
export function resolveCertificates(
  workspace: Workspace,
  gateway: GatewayObject,
  { tls }: ListenerSpec,
): { readonly certificates: readonly Certificate[]; readonly fault: Fault | undefined } {
  const refs = tls?.certificateRefs ?? [];
  const certificates: Certificate[] = [];
  let fault: Fault | undefined;
  if (refs.length === 0)
    fault = { reason: "InvalidCertificateRef", message: "an HTTPS listener needs tls.certificateRefs" };
  for (const ref of refs) {
    const found = resolve(workspace, gateway, ref);
    if ("cert" in found) certificates.push(found);
    else fault ??= found;
  }
  return { certificates, fault };
}

type CertificateRef = NonNullable<NonNullable<ListenerSpec["tls"]>["certificateRefs"]>[number];

function resolve({ objects }: Workspace, gateway: GatewayObject, ref: CertificateRef): Certificate | Fault {
  const { group, kind, name, namespace = gateway.namespace } = ref;
  const invalid = (message: string): Fault => ({ reason: "InvalidCertificateRef", message });
  if (group !== "" || kind !== "Secret") return invalid(`a certificate is in a Secret, not in a ${kind} of "${group}"`);
  /* Asked first: whether there is such a Secret is nobody's business who may not refer to it. */
  const from = { group: gateway.kind.group, kind: gateway.kind.kind, namespace: gateway.namespace };
  if (!isGranted(objects, from, { group, kind, namespace, name }))
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in namespace ${namespace} lets Gateways of ${gateway.namespace} refer to Secret ${name}`,
    };
  const found = objects.get(secret, namespace, name);
  if (found === undefined) {
    const unread = objects.unread(secret, namespace, name);
    return invalid(
      unread === undefined
        ? `there is no Secret ${name} in namespace ${namespace}`
        : `Secret ${name} is not read: ${unread}`,
    );
  }
  const [cert, key] = [read(found.spec, "tls.crt"), read(found.spec, "tls.key")];
  if (cert === undefined || key === undefined) return invalid(`Secret ${namespace}/${name} has no tls.crt and tls.key`);
  const fault = certificateFault(cert, key);
  return fault === undefined ? { cert, key } : invalid(`Secret ${namespace}/${name}: ${fault.message}`);
}

interface SecretData {
  readonly data: Readonly<Record<string, string>>;
  readonly stringData: Readonly<Record<string, string>>;
}

/** What a Secret holds under a key, as text. */
function read({ data, stringData }: SecretData, key: string): string | undefined {
  if (Object.hasOwn(stringData, key)) return stringData[key];
  const encoded = Object.hasOwn(data, key) ? data[key] : undefined;
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}
