/** What is asked for. `make`: a text. `may`: whether something can be done, and so how. `open`: no question word says so, as in `order tracking`. */
export type Asking = "make" | "how" | "may" | "why" | "when" | "where" | "who" | "amount" | "whether" | "what" | "open";

/* In order: the first that fits says it. */
const FORMS: readonly (readonly [Asking, RegExp])[] = [
  ["make", /^(?:write|draft|compose|generate|draw|translate|rewrite|rephrase|paraphrase|summari[sz]e|proofread)\b/],
  ["what", /\bhow many (?:seconds|minutes|hours|days|weeks|months|years)\b/],
  ["amount", /\bhow (?:many|much)\b|\bwhat number\b|\bthe number of\b|\bhas how many\b/],
  ["amount", /\bwhat(?: is|'s) the (?:price|cost|fee)\b/],
  ["what", /\bhow (?:long|far|old|tall|often|frequently|fast|big|large|heavy|deep|high|wide|hot|cold|quickly)\b/],
  [
    "what",
    /\bhow (?:is|are|was|were|does|did) (?!one\b|someone\b|they\b)|\bhow [a-z ]+ works?\b|\bhow (?:do|can) [a-z ]+ (?:work|differ|function)\b/,
  ],
  [
    "may",
    /^(?:can|may|could) (?:i|we)\b|^(?:is|would) it (?:be )?(?:ok|okay|possible|allowed|permitted|fine|safe)\b|\bam i allowed\b|^(?:is|are) there (?:a|any|some) (?:ways?|trick|option|method)\b/,
  ],
  ["how", /\bwhat (?:do|should|can|could|must) (?:i|we) (?:(?:have|need) to )?do\b/],
  ["why", /\bexplain why\b|\bwhat(?: is|'s) the (?:purpose|reason)\b/],
  ["why", /^how come\b/],
  ["how", /\bhow\b|\b(?:steps?|process|procedure|instructions|method)\b|\bways? (?:to|of|for)\b|\bpossible to\b/],
  ["how", /\bwhere (?:do|can|should|could) (?:i|we|you)\b/],
  ["why", /(?:^|[,:;] )why\b|\bthe reasons?\b|\bwhat (?:makes|causes|made|caused)\b|\bcauses? of\b/],
  ["when", /(?:^|[,:;] )(?:and )?when\b|\b(?:what|which) (?:time|year|day|date|month)\b/],
  ["where", /(?:^|[,:;] )where\b/],
  ["who", /(?:^|[,:;] )(?:by |to |for |with )?who(?:m|se)?\b|\bwhom\?/],
  ["whether", /^(?:is|are|am|was|were|do|does|did|has|have|had|can|could|will|would|should|may|must|shall)(?:n't)?\b/],
  /* What it asks for is said by a word: `which woman` is who, `what amount` is how much. */
  [
    "open",
    /^(?:in |on |at |by |to |of |for )?(?:what|which) (?!(?:is|are|was|were|do|does|did|can|could|will|would|should|must|may|has|have|had|the|a|an|if|to|about|happens|i|you|we|they|it)\b)[a-z]+ /,
  ],
  ["what", /\b(?:what|which|explain|define|describe|meaning)\b/],
];

/* Whose politeness goes before the question. */
const POLITE =
  /^(?:(?:hi|hello|hey|please|so|and|ok|okay)\b[, ]*|(?:can|could|would|will) you (?:please )?(?:explain|tell me|describe|show me|help me)?(?: to me)? ?|(?:please )?(?:tell me|explain|show me)(?: to me)?,? ?)+(?=\S+ )/;

const MOST_SENTENCES = 64;

/** The sentence that asks: the last one with a question mark, where others tell the story before it or after. */
export function askedIn(text: string): string {
  const sentences = text.split(/(?<=[.!?])\s+/, MOST_SENTENCES);
  return sentences.length < 2 ? text : (sentences.findLast((sentence) => sentence.endsWith("?")) ?? text);
}

/** Which kind of answer a question wants, by how it is put. */
export function askingOf(text: string): Asking {
  const lower = askedIn(text).toLowerCase().replaceAll("’", "'").trim();
  const bare = lower.replace(POLITE, "");
  for (const [asking, form] of FORMS) if (form.test(bare)) return asking;
  return "open";
}
