/** How the keys of one issuer look. */
interface KeyShape {
  /** Literal beginnings. */
  readonly prefixes: readonly string[];
  /** A regular expression of what follows: each class ends where the next begins, so that it is linear. */
  readonly body: string;
  /** The prefix begins ordinary words too (`sk-learn`): what follows must look random. */
  readonly loose?: true;
}

// oxfmt-ignore
export const keyShapes: readonly KeyShape[] = [
  { prefixes: ["sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-v1-"], body: "[\\w-]{20,}" },
  { prefixes: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], body: "[A-Za-z0-9]{30,}" },
  { prefixes: ["github_pat_"], body: "\\w{20,}" },
  { prefixes: ["glpat-", "gldt-", "glrt-"], body: "[\\w-]{18,}" },
  { prefixes: ["AKIA", "ASIA", "ABIA", "ACCA"], body: "[A-Z0-9]{16}(?![\\w-])" },
  { prefixes: ["AIza"], body: "[\\w-]{35}(?![\\w-])" },
  { prefixes: ["ya29."], body: "[\\w-]{20,}" },
  { prefixes: ["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"], body: "[A-Za-z0-9-]{10,}" },
  { prefixes: ["sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_"], body: "[A-Za-z0-9]{16,}" },
  { prefixes: ["whsec_"], body: "[A-Za-z0-9+/=]{20,}" },
  { prefixes: ["npm_"], body: "[A-Za-z0-9]{36,}" },
  { prefixes: ["pypi-"], body: "[\\w-]{40,}" },
  { prefixes: ["hf_"], body: "[A-Za-z0-9]{30,}" },
  { prefixes: ["gsk_"], body: "[A-Za-z0-9]{40,}" },
  { prefixes: ["dop_v1_"], body: "[a-f0-9]{40,}" },
  { prefixes: ["shpat_", "shpca_", "shppa_", "shpss_"], body: "[a-f0-9]{32,}" },
  { prefixes: ["SG."], body: "[\\w-]{16,}\\.[\\w-]{20,}" },
  /* A JWT (RFC 7519) or JWE: base64url of `{"`, and three to five parts. */
  { prefixes: ["eyJ"], body: "[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*){1,3}" },
  { prefixes: ["sk-", "api-key-", "api_key_"], body: "[\\w-]{16,}", loose: true },
  { prefixes: ["key-", "tok_", "secret_"], body: "[A-Za-z0-9]{20,}", loose: true },
];
