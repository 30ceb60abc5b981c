import type { Question } from "../question/question.ts";
import { stemOf } from "../question/stem.ts";
import { toCommonStem } from "../question/synonyms.ts";
import { type SameGuard, contradiction } from "./guard.ts";

/* Words that turn a question round. A word may be in several pairs. */
const OPPOSITES = `
enable disable|activate deactivate|on off|up down|in out|open close|start stop|lock unlock|block unblock|mute unmute|add remove|create delete|install uninstall
subscribe unsubscribe|encrypt decrypt|compress decompress|zip unzip|upload download|import export|push pull|send receive|lend borrow|buy sell|give take|win lose
hire fire|join leave|connect disconnect|attach detach|show hide|expand collapse|increase decrease|raise lower|rise fall|grow shrink|gain lose|accept reject
approve reject|allow deny|allow forbid|grant revoke|pass fail|include exclude|including excluding|including except|before after|above below|over under|inside outside
indoors outdoors|indoor outdoor|left right|top bottom|front back|north south|east west|first last|early late|ascending descending|maximum minimum|max min
most least|more less|more fewer|many few|best worst|better worse|good bad|high low|highest lowest|higher lower|large small|largest smallest|big small|long short|longest shortest
fast slow|faster slower|fastest slowest|hot cold|warm cold|cheap expensive|cheapest expensive|old new|old young|oldest newest|older newer|strong weak|hard soft|hard easy|heavy light|rich poor
safe dangerous|legal illegal|public private|internal external|input output|read write|encode decode|front rear|advantage disadvantage|pros cons|benefits risks|benefit risk
cause effect|causes effects|like dislike|love hate|male female|man woman|he she|his her|mother father|husband wife|black white|positive negative|profit loss|gain loss|true false|always never
buyer seller|employer employee|teacher student|client server|sender recipient|parent child|supply demand|deposit withdraw|freeze thaw|arrive depart|arrival departure|credit debit|follow unfollow|with without`;
const pairs = OPPOSITES.split(/[|\n]/)
  .filter(Boolean)
  .map((pair) => pair.split(" ").map(stemOf) as [string, string]);

/* On which side of it a word stands matters. `between A and B` and `A or B` are not among them. */
const RELATIONS = new Set("from to into than before after against over by per for".split(" "));

/* `turn it on` and `the light is on`, not `on my phone`. */
const SWITCHED = /^(?:turn|turns|turned|turning|switch|switched|switching|is|are|it|them|stay|keep|leave)$/;
const isPlace = ({ words }: Question, at: number): boolean =>
  words[at]?.plain === "on" && at < words.length - 1 && !SWITCHED.test(words[at - 1]?.plain ?? "");

const formsOf = (question: Question) =>
  new Set([
    ...question.words.flatMap(({ plain }, at) => (isPlace(question, at) ? [] : stemOf(plain))),
    ...question.topics.map(({ stem }) => stem),
  ]);

function isOpposite(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  const turned = (one: string, other: string) =>
    left.has(one) && !left.has(other) && right.has(other) && !right.has(one);
  return pairs.some(([one, other]) => turned(one, other) || turned(other, one));
}

const ARTICLES = new Set(["the", "an", "my", "your"]);
const MOST_WORDS = 3;

/* What follows each relation, up to the next: `to New York`. */
function endsOf({ words }: Question): ReadonlyMap<string, string> {
  const ends = new Map<string, string>();
  for (const [at, { plain }] of words.entries()) {
    if (!RELATIONS.has(plain)) continue;
    const after = words.slice(at + 1).map((word) => word.plain);
    const next = after.findIndex((word) => RELATIONS.has(word));
    const end = (next < 0 ? after : after.slice(0, next)).filter((word) => !ARTICLES.has(word)).slice(0, MOST_WORDS);
    if (end.length > 0) ends.set(plain, end.join(" "));
  }
  return ends;
}

/* With spaces around, so that whole words are found in it. */
const wordsIn = ({ words }: Question) =>
  ` ${words.flatMap(({ plain }) => (ARTICLES.has(plain) ? [] : plain)).join(" ")} `;

/* `X than Y` against `Y than X`: what follows a relation in one stands elsewhere in the other, and the other way round. */
function isSwapped(asked: Question, stored: Question): boolean {
  const there = endsOf(stored);
  return [...endsOf(asked)].some(([relation, end]) => {
    const other = there.get(relation);
    if (other === undefined || other === end) return false;
    return (
      wordsIn(asked).includes(` ${other} `) &&
      wordsIn(stored).includes(` ${end} `) &&
      !end.startsWith(`${other} `) &&
      !other.startsWith(`${end} `)
    );
  });
}

/* It lies between two things, in either order. */
const DIFFERENCE = toCommonStem(stemOf("difference"));

/* How often or how long something is done says nothing of who does it to whom. */
const MEASURES = new Set("often long far old tall fast big".split(" ").map((word) => toCommonStem(stemOf(word))));

/* `A eats B` and `B eats A`: three topics in a row that stand the other way round. */
function isTurned(asked: Question, stored: Question): boolean {
  /* `fix the tap that drips` and `my tap drips, how do I fix it`: who asks how says whom it happens to in either order. */
  if (asked.asking === "how" || stored.asking === "how") return false;
  if (asked.topics.some(({ stem }) => stem === DIFFERENCE)) return false;
  const triples = ({ topics }: Question) =>
    topics
      .slice(2)
      .map((third, at) => [topics[at]?.stem, topics[at + 1]?.stem, third.stem])
      .filter((triple) => !triple.some((stem) => MEASURES.has(stem ?? "")));
  const there = new Set(triples(stored).map((triple) => triple.join(" ")));
  return triples(asked).some((triple) => triple[0] !== triple[2] && there.has(triple.toReversed().join(" ")));
}

/* Where something comes from and goes to: `from prepaid to contract`, `from a contract back to a prepaid tariff`. */
function isReturn(asked: Question, stored: Question): boolean {
  const after = ({ words, topics }: Question, relation: string) => {
    const at = words.findIndex(({ plain }) => plain === relation);
    return at < 0 ? undefined : topics.find(({ word }) => word > at)?.stem;
  };
  const [from, to] = [after(asked, "from"), after(asked, "to")];
  const [otherFrom, otherTo] = [after(stored, "from"), after(stored, "to")];
  if (from === otherFrom || from === undefined || otherFrom === undefined) return false;
  return from === otherTo || to === otherFrom;
}

/* `ten in London, what is that in Singapore`: the same two names, each after such a word, the other way round. */
function changesPlaces(asked: Question, stored: Question): boolean {
  const places = ({ words }: Question) =>
    words.flatMap(({ written, opens }, at) =>
      !opens && /^\p{Lu}/u.test(written) && /^(?:in|at|on)$/.test(words[at - 1]?.plain ?? "") ? written : [],
    );
  const [one, other] = places(asked);
  const [first, second] = places(stored);
  return one !== undefined && other !== undefined && one !== other && one === second && other === first;
}

/* `is being told` and `is telling`: done to in one, doing in the other. */
const BEFORE_VOICE = new Set("am is are was were be been being get gets got".split(" "));
const VOICE = /(?:ed|en|ing)$/;

const voicesOf = ({ words }: Question) =>
  words.flatMap(({ plain }, at) =>
    VOICE.test(plain) && BEFORE_VOICE.has(words[at - 1]?.plain ?? "")
      ? { stem: stemOf(plain), does: plain.endsWith("ing") }
      : [],
  );

function changesVoice(asked: Question, stored: Question): boolean {
  const there = voicesOf(stored);
  return voicesOf(asked).some(({ stem, does }) => there.some((other) => other.stem === stem && other.does !== does));
}

const DOES = new Set(["do", "does", "did"]);

/* `what eats pandas` and `what do pandas eat`; `does A cause B` and `does B cause A`. */
function changesParts(asked: Question, stored: Question): boolean {
  const parts = ({ topics }: Question) => topics.slice(0, 2).map(({ stem }) => stem);
  const [one, other] = parts(asked);
  const [first, second] = parts(stored);
  if (one === undefined || other === undefined || one === other || one !== second || other !== first) return false;
  const opening = ({ words: [word, next] }: Question) => [word?.plain ?? "", DOES.has(next?.plain ?? "")] as const;
  const [left, right] = [opening(asked), opening(stored)];
  if (left[0] !== right[0]) return false;
  return DOES.has(left[0]) || (/^wh(?:at|o)$/.test(left[0]) && left[1] !== right[1]);
}

/** Opposite words, or the same words the other way round. */
export const direction: SameGuard = {
  name: "direction",
  differs(asked, stored) {
    if (isOpposite(formsOf(asked), formsOf(stored))) return contradiction("they ask for opposites");
    const isOther =
      isSwapped(asked, stored) ||
      isTurned(asked, stored) ||
      changesPlaces(asked, stored) ||
      isReturn(asked, stored) ||
      changesParts(asked, stored) ||
      changesVoice(asked, stored);
    return isOther ? contradiction("they say the same words the other way round") : undefined;
  },
};
