import { existsSync } from "node:fs";
import { migrate } from "../k8s/migrate/migrate.ts";
import { formatReport, needsPerson } from "../k8s/migrate/report.ts";
import { formatManifestProblem, readManifests } from "../k8s/read-manifests.ts";
import { defineCommand } from "./command.ts";

const NEEDS_PERSON = 2;

export const migrateCommand = defineCommand({
  usage: "DIR [--gateway NAME|NAMESPACE/NAME] > routes.yaml",
  args: [1, 1],
  options: {
    gateway: {
      type: "string",
      value: "NAME",
      default: "main-gateway",
      description: "the Gateway to put the routes on, as NAME or NAMESPACE/NAME; it is printed too",
    },
    "gateway-class": {
      type: "string",
      value: "NAME",
      default: "sallyport",
      description: "the gatewayClassName of that Gateway",
    },
    "ingress-class": {
      type: "string",
      value: "NAME",
      multiple: true,
      description: "takes Ingresses of this class too, beside nginx and those without one; may be repeated",
    },
    namespace: {
      type: "string",
      value: "NAME",
      default: "default",
      description: "the namespace of manifests that name none",
    },
  },
  run({ args: [path = ""], options, out, err }) {
    if (!existsSync(path)) {
      err(`sallyport: there is no file or folder ${path}`);
      return 1;
    }
    const [gateway = "", namespace] = options.gateway.split("/").toReversed();
    const { manifests, problems } = readManifests(path);
    const { yaml, reports } = migrate(manifests, {
      namespace: options.namespace,
      gateway,
      gatewayNamespace: namespace,
      gatewayClass: options["gateway-class"],
      ingressClasses: options["ingress-class"],
    });
    for (const problem of problems) err(formatManifestProblem(problem));
    if (reports.length === 0) {
      err(`sallyport: no Ingress in ${path}, among ${manifests.length} objects`);
      return 1;
    }
    if (yaml !== "") out(yaml);
    for (const line of formatReport(reports)) err(line);
    const open = reports.filter(needsPerson).length;
    err(
      `${reports.length} ${reports.length === 1 ? "Ingress" : "Ingresses"}, ${open} of them with something for a person to do`,
    );
    return open > 0 || problems.length > 0 ? NEEDS_PERSON : 0;
  },
});
