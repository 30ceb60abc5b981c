import { join } from "node:path";
import { k8s, type Manifest, parseManifests } from "./manifests.ts";
import { runTool } from "./tools.ts";

/** Everything that was rendered, by name, for those who know Kubernetes' schemas: without kinds of others, which these do not know. */
export const renderings = new Map<string, string>();

function rendered(name: string, text: string): readonly Manifest[] {
  const known = text
    .split(/^---$/m)
    .filter((document) => !/^apiVersion: gateway\.networking\.k8s\.io\//m.test(document));
  renderings.set(name.replaceAll(/\W+/g, "-"), known.join("---"));
  return parseManifests(text);
}

/** What kustomize makes of a folder of k8s/. */
export const renderOverlay = (name: string): readonly Manifest[] =>
  rendered(name, runTool("kustomize", join(k8s, name)));

/** What Helm makes of the chart as the release `sallyport` of a namespace, with values as `--set` takes them. */
export const renderChart = (namespace: string, ...set: readonly string[]): readonly Manifest[] =>
  rendered(
    `chart ${namespace} ${set.join(" ").slice(0, 120)}`,
    runTool(
      "helm",
      "template",
      "sallyport",
      join(k8s, "chart"),
      ...["--namespace", namespace, "--kube-version", "1.34.0", ...set.flatMap((one) => ["--set", one])],
    ),
  );
