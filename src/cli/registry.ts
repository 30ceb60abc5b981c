import type { CommandEntry } from "./command.ts";

/**
 * Every command, in the order of the help text. A file in this folder and an entry here make one. The file is loaded when its command
 * is asked for: the gateway takes most of a second, and the version or a list of keys does not need it.
 */
export const commands: readonly CommandEntry[] = [
  {
    name: "serve",
    summary: "run the gateway",
    load: async () => (await import("./serve.ts")).serveCommand,
  },
  {
    name: "demo",
    summary: "walk through every capability against a gateway it starts itself",
    load: async () => (await import("./demo.ts")).demoCommand,
  },
  {
    name: "check",
    summary: "say what a configuration file means, or everything that is wrong with it",
    load: async () => (await import("./check.ts")).checkCommand,
  },
  {
    name: "explain",
    summary: "say which rule decides on a call, and why",
    load: async () => (await import("./explain.ts")).explainCommand,
  },
  {
    name: "policy-test",
    summary: "run the tests that stand beside the rules in policy files",
    load: async () => (await import("./policy-test.ts")).policyTestCommand,
  },
  {
    name: "route-eval",
    summary: "show how well llm.complexity tells hard prompts from easy ones in a labelled file",
    load: async () => (await import("./route-eval.ts")).routeEvalCommand,
  },
  {
    name: "journal",
    summary: "show what a running gateway decided about which call, and why",
    load: async () => (await import("./journal.ts")).journalCommand,
  },
  {
    name: "spend",
    summary: "show who spent what on a running gateway, and what it will be when the day or month ends",
    load: async () => (await import("./spend.ts")).spendCommand,
  },
  {
    name: "cache",
    summary: "show what the cache of a running gateway holds and has saved, and empty it",
    load: async () => (await import("./cache.ts")).cacheCommand,
  },
  {
    name: "cache-eval",
    summary: "measure how well the semantic cache tells paraphrases from near-misses in a labelled file",
    load: async () => (await import("./cache-eval.ts")).cacheEvalCommand,
  },
  {
    name: "keys",
    summary: "issue, list and revoke API keys of a running gateway",
    load: async () => (await import("./keys.ts")).keysCommand,
  },
  {
    name: "clients",
    summary: "create, list and delete OAuth clients of a running gateway",
    load: async () => (await import("./clients.ts")).clientsCommand,
  },
  {
    name: "auth",
    summary: "give the operator a new passcode, or a running gateway a new signing key",
    load: async () => (await import("./auth.ts")).authCommand,
  },
  {
    name: "migrate",
    summary: "print Ingress-NGINX manifests as routes of the Gateway API, and what became of each annotation",
    load: async () => (await import("./migrate.ts")).migrateCommand,
  },
  {
    name: "schema",
    summary: "print the JSON Schema of sallyport.yaml, for editors",
    load: async () => (await import("./schema.ts")).schemaCommand,
  },
];
