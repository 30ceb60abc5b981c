import { expect, test } from "vitest";
import { principalName, principalWords } from "../../src/console/app/principal.ts";

test.for([
  ["urn:sallyport:key#trial", "trial", "key"],
  ["urn:sallyport:anonymous#anonymous", "anonymous", "no credential"],
  ["http://127.0.0.1:36150#quickstart", "quickstart", "127.0.0.1:36150"],
  ["https://login.example.com/tenant#user#7", "user#7", "login.example.com"],
  ["https://kubernetes.default.svc#system:serviceaccount:shop:checkout", "shop/checkout", "kubernetes.default.svc"],
  ["urn:elsewhere#x", "x", "urn:elsewhere"],
  ["blue", "blue", ""],
  ["https://login.example.com#", "https://login.example.com#", ""],
] as const)("%s is %s by %s", ([id, name, by]) => {
  expect(principalWords(id)).toEqual({ name, by });
});

test("nobody known has a word too", () => {
  expect(principalName(null)).toBe("unknown");
});
