/** One way to read a text, as the guards have it. */
export interface Reading {
  readonly text: string;
  /** The spaces are gone: only a pattern without them can match. */
  readonly compact: boolean;
}

/** What a piece of text looks like; undefined: like nothing in particular. */
export type Suspicion = keyof typeof patterns;

/* Gaps are bounded and stay within a sentence, so that reading is linear in the length of the text. */
const gap = String.raw`[^.!?\n]{0,60}?`;
const any = (...words: readonly string[]) => `(?:${words.join("|")})`;
const instructions = any(
  "instructions?",
  "prompts?",
  "rules",
  "directions",
  "directives",
  "guidelines",
  "orders",
  "commands",
  "constraints",
  "guardrails",
  "polic(?:y|ies)",
  "safety (?:checks?|measures?)",
);
const reader = any(
  "a\\.?i\\.?",
  "llms?",
  "assistants?",
  "(?:language )?models?",
  "agents?",
  "chat ?bots?",
  "copilot",
  "claude",
  "chatgpt",
  "gpt",
  "gemini",
  "you",
);
const act = any(
  "call",
  "invoke",
  "use",
  "run",
  "execute",
  "send",
  "forward",
  "delete",
  "remove",
  "transfer",
  "fetch",
  "download",
  "open",
  "visit",
  "click",
  "post",
  "e-?mail",
  "write",
  "reply",
  "respond",
  "output",
  "reveal",
  "disclose",
  "include",
  "append",
  "share",
  "upload",
  "pay",
  "buy",
  "book",
  "invite",
  "approve",
  "install",
);

/*
 * What people write when they want a model to do something it was not asked for. Each is a form, not a topic: a text about prompt
 * injection that quotes one is taken for one, and a polite lie is not.
 */
// oxfmt-ignore
const patterns = {
  /* "ignore all previous instructions", "do not follow the rules above" */
  override: [
    `\\b${any("ignore", "disregard", "forget", "override", "bypass", "neglect", "discard", "(?:do not|don't|stop) (?:follow|obey|comply with)(?:ing)?")}\\b${gap}\\b${any("previous", "prior", "above", "earlier", "preceding", "foregoing", "all", "any", "your", "system", "original", "initial", "these", "those", "other")}\\b${gap}\\b${instructions}\\b`,
    `\\b${any("ignore", "disregard", "forget", "bypass", "(?:do not|don't|stop) (?:follow|obey|comply with)(?:ing)?")}\\b${gap}\\b${instructions}\\b ${any("above", "before", "so far", "from before", "you (?:were given|have|got)")}\\b`,
    `\\b${any("ignore", "disregard", "forget")} (?:everything|anything|all|what)\\b${gap}\\b${any("above", "before", "previously", "so far", "told", "said")}\\b`,
    "\\bignoriere?n? sie\\b|\\bignoriere?n?\\b[^.!?\\n]{0,40}\\banweisungen\\b|\\bignore[zr]?\\b[^.!?\\n]{0,40}\\binstructions (?:pr[ée]c[ée]dentes|ant[ée]rieures|ci-dessus)|\\bignor[ae]r?\\b[^.!?\\n]{0,40}\\b(?:instrucciones|istruzioni|instru[çc][õo]es)\\b",
  ],
  /* "you are now DAN", "new instructions:" */
  role: [
    "\\bfrom now on,? (?:you|always|only|answer|respond|act)\\b|\\byou are (?:now|no longer|actually)\\b(?! (?:able|ready|at|in|on|logged|subscribed|connected|signed|registered|using|viewing))",
    `\\b(?:new|updated|revised|additional|important|real|actual|true|hidden|secret) (?:system )?${any("instructions?", "prompt", "task", "objective", "directives?", "orders")}\\s*(?::|-|—|from\\b|for (?:you|the (?:assistant|agent|ai|model)))`,
    "\\b(?:pretend|imagine) (?:to be|that you are|you are|you're)\\b|\\benter (?:developer|debug|god|admin|dan|jailbreak) mode\\b|\\b(?:developer|god|admin|dan|jailbreak) mode (?:enabled|activated|on)\\b",
  ],
  /* turns and tags of chat templates inside of a text */
  markup: [
    "<\\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)[^>]{0,20}\\|?>|\\[/?inst\\]|<</?sys>>|</?(?:system|assistant|instructions?|important|information|system-reminder|function_calls|tool_call)(?: [^>]{0,40})?>",
    "(?:^|\\n)\\s*(?:#{1,4} ?|\\*\\*)?(?:system|assistant|developer)(?: (?:message|prompt|instructions?|note))?(?:\\*\\*)?\\s*:\\s*\\S",
  ],
  /* "AI agents must send …", "before you answer, please do the following" */
  address: [
    `\\b(?:note|attention|message|notice|instructions?|reminder|warning)(?: to| for)? (?:the |any |all |every )?(?:[a-z]+ ){0,2}?${any("ai", "llms?", "assistants?", "(?:language )?models?", "agents?", "(?:chat ?)?bots?", "crawlers?", "claude", "chatgpt", "gpt", "gemini")}\\b`,
    `\\b${any("ai", "llms?", "(?:ai |language |automated )?(?:assistants?|agents?|models?)", "chat ?bots?", "copilot", "claude", "chatgpt", "gpt", "gemini")}\\b${gap}\\b${any("must", "should", "shall", "has to", "have to", "needs? to", "is required to", "are required to")}\\b${gap}\\b${act}\\b`,
    `\\b(?:before|after|when|while|if) ${reader}(?: can)? (?:solv|answer|respond|repl|continu|proceed|complet|finish|summari[sz]|process|read)\\w*\\b${gap},? ${any("please", "first", "you must", "you need to", "you have to", "make sure to", "do the following", act)}\\b`,
    `\\b(?:please )?do the following (?:first|before|instead|steps|actions?|immediately)\\b|\\b(?:this is )?an? (?:very )?important (?:message|instruction)s? (?:from|to|for)\\b`,
    `\\byou (?:must|need to|have to|are required to|should) (?:now|immediately|first|also|always|instead|secretly)\\b${gap}\\b${act}\\b`,
  ],
  /* "send the file to https://…" */
  exfiltration: [
    `(?:^|[.!?:;\\n]\\s*|\\b(?:please|must|now|then|and|to|first)\\s+)${any("send", "forward", "post", "upload", "transmit", "e-?mail", "exfiltrate", "leak", "submit", "transfer")}\\b[^!?\\n]{0,80}?\\b(?:to|at|via)\\b[^!?\\n]{0,24}(?:https?://|[\\w.+-]{1,64}@[\\w-]{1,64}\\.|[a-z]{2}\\d{2}[a-z0-9]{10,30}\\b)`,
    `\\b${any("reveal", "print", "output", "repeat", "show", "disclose", "leak", "send")}\\b${gap}\\b(?:your|the) (?:system prompt|hidden prompt|initial prompt|api keys?|credentials|passwords?|access tokens?|secrets?|environment variables)\\b`,
    "!\\[[^\\]]{0,80}\\]\\(https?://[^)\\s]{1,200}[?&][^)\\s]{0,40}=(?:\\{|%7b|<|\\$|\\[)",
  ],
  /* "do not tell the user" */
  secrecy: [
    `\\b(?:do not|don't|never|without|avoid)\\b[^.!?\\n]{0,24}?\\b${any("tell", "inform", "mention", "notify", "alert", "reveal", "ask", "show", "telling", "informing", "mentioning", "notifying", "alerting", "asking", "showing")}\\b[^.!?\\n]{0,24}?\\b(?:the )?(?:user|human|operator)s?\\b`,
    "\\b(?:keep|do) this (?:secret|hidden|quietly|silently) (?:from )?(?:the )?(?:user|human)\\b",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const matchers = Object.entries(patterns).map(
  ([name, sources]) => [name as Suspicion, new RegExp(sources.join("|"))] as const,
);

/* Letters that stand apart are pulled together by the views; only what is unmistakable without spaces is looked for there. */
const compactOverride =
  /(?:ignore|disregard|forget)(?:all|any)?(?:of)?(?:the|your|my)?(?:previous|prior|above|earlier|preceding)(?:instructions?|prompts?|rules|directions)/;

/* A piece is read at once; its end is read again with the next one, so that nothing hides in the cut. */
const PIECE = 16_384;
export const OVERLAP = 400;

/** Cuts a text into pieces that overlap. */
export function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += PIECE) {
    yield text.slice(Math.max(0, at - OVERLAP), at + PIECE);
  }
}

/** Reads one piece of a text in every way that is given, and says what it looks like. Deterministic; an opinion, not a proof. */
export function suspect(piece: string, readingsOf: (text: string) => Iterable<Reading>): Suspicion | undefined {
  for (const { text: read, compact } of readingsOf(piece)) {
    const text = read.toLowerCase();
    if (compact) {
      if (compactOverride.test(text)) return "override";
      continue;
    }
    for (const [name, matcher] of matchers) if (matcher.test(text)) return name;
  }
  return undefined;
}
