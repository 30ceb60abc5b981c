import { gateway } from "../../src/k8s/kinds/gateway.ts";
import { httpRoute } from "../../src/k8s/kinds/http-route.ts";
import { sample } from "./objects-from.ts";

export const GROUP = "gateway.networking.k8s.io";
const listener = (name: string, port: number) => ({ name, port, protocol: "HTTP" });
/** A Gateway with a listener on port 80, or with several. */
export const gw = (name = "gw", ...names: readonly string[]) =>
  sample(
    gateway,
    {
      gatewayClassName: "sallyport",
      listeners: names.length === 0 ? [listener("http", 80)] : names.map((each, index) => listener(each, 8080 + index)),
    },
    { name },
  );
/** A route with a rule that has a name, and one that has none. */
export const route = (name: string, ...parents: readonly string[]) =>
  sample(
    httpRoute,
    {
      parentRefs: (parents.length === 0 ? ["gw"] : parents).map((each) => ({ name: each })),
      rules: [
        { name: "chat", matches: [{ path: { value: "/chat" } }], backendRefs: [{ name: "m", port: 80 }] },
        { backendRefs: [{ name: "m", port: 80 }] },
      ],
    },
    { name },
  );
/** Where the Service of those routes is. */
export const backends = new Map([["m.default", ["http://127.0.0.1:9"]]]);
/** What a policy names. */
export const target = (kind: string, name: string, sectionName?: string) => ({
  group: kind === "MCPServer" || kind === "A2AAgent" ? "sallyport.dev" : GROUP,
  kind,
  name,
  ...(sectionName !== undefined && { sectionName }),
});
