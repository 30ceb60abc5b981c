/** What a word hints at. The order is that of the counts in `TextCounts.hints`. */
export const hintKinds = ["code", "maths", "quantity", "reasoning", "condition", "law", "science"] as const;

export type HintKind = (typeof hintKinds)[number];

/* English words as people write them in requests, lower case. A list speaks of a kind of request, never of a data set. */
const words: Readonly<Record<HintKind, string>> = {
  code: `algorithm api array bash boolean bug byte class cli code compile compiler complexity const css database debug def deploy docker
    exception function git html http int integer interface java javascript json kubernetes lambda library linux loop method module null
    object parse parser pointer program python query recursion recursive refactor regex runtime rust script sql stack string struct
    subroutine syntax thread typescript unit variable void xml yaml`,
  maths: `algebra angle axiom calculus circle coefficient convex cosine derivative determinant differential divisible eigenvalue equation
    equations exponent factorial field finite function geometric graph group homomorphism hypotenuse infinite inequality integer integers
    integral isomorphic lemma limit linear logarithm matrix median modulo polynomial polynomials prime probability proof quadratic random
    ratio root sequence series set sine slope square statistic subgroup sum theorem triangle valid variance vector`,
  quantity: `average cents cost costs day days dollars double dozen each every fifth fraction fourth half hour hours left less many
    minutes more much per percent percentage price quarter remaining rest sells spend spends than third times total triple twice week
    weeks worth year years`,
  reasoning: `analyse analyze argue assess because compare consider contrast critique deduce derive design determine estimate evaluate
    explain hypothesis implications infer justify optimise optimize outline plan prove rationale reason show simplify solve step strategy
    therefore tradeoff tradeoffs why`,
  condition: `although assume assuming both but cannot either except false given however if incorrect least most must neither never none nor
    not only otherwise provided should suppose true unless until whenever whereas whether without`,
  law: `act agreement amendment appeal attorney breach buyer claim clause constitutional contract convicted court crime damages defendant
    deed jurisdiction jury law lawsuit legal liability liable murder negligence owner plaintiff property prosecution seller
    statute sued testimony testify tort treaty trial trust`,
  science: `acid atom atoms bacteria blood bond cell cells charge chemical clinical compound current diagnosis disease dna electron energy
    enzyme equilibrium field force frequency gas gene genetic hormone ion kinetic mass molecule muscle nucleus orbital oxygen patient pressure
    protein quantum radiation reaction solution symptoms temperature tissue treatment velocity virus voltage wave`,
};

const SLOTS = 2048;
const keys = new Int32Array(SLOTS);
/* One bit a kind: a word may hint at more than one. */
const kinds = new Uint8Array(SLOTS);

/** The start of a word's FNV-1a hash; `Math.imul(hash ^ code, HASH_PRIME)` adds a lower-case letter. */
export const HASH_START = 0x811c9dc5 | 0;
export const HASH_PRIME = 0x01000193;

for (const [bit, kind] of hintKinds.entries())
  for (const word of words[kind].split(/\s+/)) {
    let hash = HASH_START;
    for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), HASH_PRIME);
    const slot = slotOf(hash);
    keys[slot] = hash;
    kinds[slot] = kinds[slot]! | (1 << bit);
  }

function slotOf(hash: number): number {
  let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  while (kinds[slot] !== 0 && keys[slot] !== hash) slot = (slot + 1) & (SLOTS - 1);
  return slot;
}

/**
 * What the word with this hash hints at: bit n stands for `hintKinds[n]`; 0 for most words. Words are known by 32 bits of hash alone, so
 * that no string is made of a word: one in ten million is taken for another, which costs a hint.
 */
export function hintsOf(hash: number): number {
  return kinds[slotOf(hash)]!;
}
