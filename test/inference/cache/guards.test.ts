import { beforeAll, describe, expect, test } from "vitest";
import { lexical } from "../../../src/inference/embedders/lexical.ts";
import { wording } from "../../../src/inference/cache/guards/wording.ts";
import { lexicalGuards, sameGuards, sentenceGuards } from "../../../src/inference/cache/guards/registry.ts";
import { mayAnswer } from "../../../src/inference/cache/may-answer.ts";
import { loadLexicon } from "../../../src/inference/cache/question/lexicon.ts";
import { readQuestion } from "../../../src/inference/cache/question/question.ts";

/* Each guard by itself: what it must tell apart, and what it must let pass. */
const cases: Readonly<
  Record<string, { readonly apart: readonly [string, string][]; readonly alike: readonly [string, string][] }>
> = {
  numbers: {
    apart: [
      ["add 3 spoons", "add 4 spoons"],
      ["order twenty-one chairs", "order twenty-two chairs"],
      ["item 12345678901234567890", "item 12345678901234567891"],
      ["take 8 from 9", "take 9 from 8"],
      ["at -4 degrees", "at 4 degrees"],
      ["part II of the saga", "part III of the saga"],
    ],
    alike: [
      ["add three spoons", "add 3 spoons"],
      ["pay 1,000.50", "pay 1000.5"],
      ["two hundred and five seats", "205 seats"],
      ["take six from 9", "take 6 from nine"],
      ["the 3rd planet", "the third planet"],
    ],
  },
  units: {
    apart: [
      ["run 3 miles", "run 3 km"],
      ["a 5 Mb link", "a 5 MB link"],
      ["€40 tickets", "$40 tickets"],
      ["an hourly rate", "a daily rate"],
    ],
    alike: [
      ["run 3 km", "run 3 kilometres"],
      ["$40 tickets", "40 dollar tickets"],
      ["in what year", "when"],
    ],
  },
  dates: {
    apart: [
      ["due on Friday", "due on Thursday"],
      ["on 02/03/2024", "on 03/02/2024"],
      ["rain in May", "rain in March"],
      ["at 7 am", "at 7 pm"],
    ],
    alike: [
      ["due on Fridays", "due on Friday"],
      ["may I march in?", "can I walk in?"],
      ["in Sept", "in September"],
    ],
  },
  negation: {
    apart: [
      ["plants that need light", "plants that do not need light"],
      ["tea with milk", "tea without milk"],
      ["make the pump run", "stop the pump running"],
      ["a valid form", "an invalid form"],
      ["tell me everything but the price", "tell me everything and the price"],
    ],
    alike: [
      ["it isn't ready", "it is not ready"],
      ["I can't sleep", "I am unable to sleep"],
      ["enter without a valid ticket", "enter without a ticket"],
      ["stop the engine", "halt the engine"],
    ],
  },
  person: {
    apart: [
      ["do I pay?", "do you pay?"],
      ["is he well?", "is she well?"],
      ["what is my rank?", "what is your rank?"],
      ["when did I greet you?", "when did you greet me?"],
      ["who paid me?", "who did I pay?"],
      ["who is my boss?", "whose boss am I?"],
      ["where do I sleep?", "where do you sleep?"],
    ],
    alike: [
      ["how do I sharpen my knife?", "how do you sharpen your knife?"],
      ["can you tell me what a knife is?", "what is a knife?"],
      ["what does a US visa cost?", "what does my US visa cost?"],
    ],
  },
  form: {
    apart: [
      ["what is rust?", "what is rust in one word?"],
      ["list the moons as a table", "list the moons as JSON"],
      ["explain rust", "explain rust briefly"],
    ],
    alike: [["what is rust in detail?", "rust in detail"]],
  },
  signs: {
    apart: [
      ["what does 🌧 mean?", "what does ☀ mean?"],
      ["open the gate", "open the gate\u{e0073}\u{e0061}\u{e0079}"],
      ["open the gate", "open the g\ufe01ate"],
      ["open the gate", "open\u200b the gate"],
      ["what is ! in a shell?", "what is ? in a shell?"],
    ],
    alike: [
      ["un cafe\u0301 noir", "un café noir"],
      ["at 5 °C", "at 5 degrees C!"],
    ],
  },
  particles: {
    apart: [
      ["how do I put out the lamp?", "how do I put down the lamp?"],
      ["how do I give up sugar?", "how do I give sugar?"],
    ],
    alike: [
      ["set up a printer", "printer setup"],
      ["turn off the lamp", "disable the lamp"],
    ],
  },
  wordform: {
    apart: [
      ["the plural of goose", "the plural of geese"],
      ["how do you spell theatre?", "how do you spell theatres?"],
      ["another word for large", "another word for big"],
    ],
    alike: [
      ["send a letter", "sending letters"],
      ["how is quay pronounced?", "quay: how is it pronounced?"],
    ],
  },
  material: {
    apart: [
      ["Correct the grammar: she go out", "Correct the grammar: she goes out"],
      ["Sum this up:\nSales rose.", "Sum this up:\nSales fell."],
    ],
    alike: [
      ["A lamp flickers: how do I mend it?", "A flickering lamp: how to mend it?"],
      ["Lamps: mend one", "mend a lamp"],
    ],
  },
  order: {
    apart: [
      ["a house boat", "a boat house"],
      ["how many pints are in a litre?", "how many litres are in a pint?"],
      ["how do parents control children?", "how do children control parents?"],
      ["the capital of the largest land", "the largest capital of the land"],
      ["can my aunt use my card?", "can I use my aunt's card?"],
    ],
    alike: [
      ["the roof of the house", "the house's roof"],
      ["the difference between tea and coffee", "the difference between coffee and tea"],
      ["how do I paint a wall?", "what is the wall painting process?"],
      ["how often should a wall be painted?", "how often should I paint a wall?"],
    ],
  },
  scope: {
    apart: [
      ["all rooms", "some rooms"],
      ["a cave under the hill", "a cave behind the hill"],
      ["must I go?", "may I go?"],
      ["what do only cats eat?", "what do cats only eat?"],
      ["are all roses plants?", "are all plants roses?"],
      ["how many guests come?", "how many more guests come?"],
      ["too much salt", "too little salt"],
      ["may I bring my own tent?", "may I bring a tent?"],
    ],
    alike: [
      ["each room", "every room"],
      ["all bright rooms", "every sunny room"],
    ],
  },
  tense: {
    apart: [
      ["is it full?", "was it full?"],
      ["who opened the gate?", "who opens the gate?"],
      ["who is the mayor?", "who will be the mayor?"],
    ],
    alike: [["was it full?", "was it quite full?"]],
  },
  names: {
    apart: [
      ["the river in Vienna", "the river in Prague"],
      ["food in peru", "food in chile"],
      ['say "yes" in Thai', 'say "no" in Thai'],
      ["who made Apple?", "who made an apple?"],
      ["is Turkey big?", "is turkey big?"],
    ],
    alike: [
      ["the river in Vienna", "Vienna's river"],
      ["the WiFi key", "the Wi-Fi key"],
      ["a map of Africa", "an African map"],
      ["files over 1GB", "files over 1 GB"],
    ],
  },
  versions: {
    apart: [
      ["tool 3.1", "tool 3.10"],
      ["the v3 format", "the v4 format"],
      ["a beta build", "a stable build"],
    ],
    alike: [
      ["GPT-4 limits", "GPT4 limits"],
      ["tool v3.1", "tool 3.1"],
    ],
  },
  direction: {
    apart: [
      ["from Oslo to Bergen", "from Bergen to Oslo"],
      ["tea better than coffee", "coffee better than tea"],
      ["foxes hunt hares", "hares hunt foxes"],
      ["the dog is being washed", "the dog is washing"],
      ["open the gate", "close the gate"],
    ],
    alike: [
      ["between tea and coffee", "between coffee and tea"],
      ["turn off the lamp", "disable the lamp on my desk"],
      ["from Oslo to Bergen", "to Bergen from Oslo"],
    ],
  },
  code: {
    apart: [
      ["run `rm -r`", "run `rm -f`"],
      ["a <= b", "a >= b"],
      ["call f(1, 2)", "call f(2, 1)"],
      ["see /var/log", "see /var/lib"],
      ["use --all", "use --any"],
    ],
    alike: [
      ["the `ls` command?", "command `ls`"],
      ["this and/or that", "that and/or this"],
    ],
  },
  asking: {
    apart: [
      ["where is the key?", "when is the key?"],
      ["why fast?", "how can I fast?"],
      ["how old is the bridge?", "how tall is the bridge?"],
    ],
    alike: [
      ["key delivery", "when is the key delivered?"],
      ["how many weeks does it last?", "how long does it last?"],
      ["how often is it oiled?", "after how many weeks is it oiled?"],
    ],
  },
  language: {
    apart: [["wann kommt das Paket", "wann kommt die Post"]],
    alike: [
      ["wann kommt das Paket", "das Paket kommt wann"],
      ["how is this?", "how is it?"],
    ],
  },
  coverage: {
    apart: [
      ["wash the shirt", "wash the curtain"],
      ["how do I thicken the sauce", "how do I thin the sauce"],
      ["the symbol for sodium", "the symbol for potassium"],
      ["run a test", "skip a test"],
    ],
    alike: [
      ["washing shirts", "wash a shirt"],
      ["the average salary of a Danish nurse", "average wages of a Danish nurse"],
      ["wash a shrit", "wash a shirt"],
      ["check whether shirts shrink", "check if shirts shrink"],
      ["wash three shirts", "wash 3 shirts"],
      ["open an hsa", "open a health savings account"],
      ["convert to lowercase", "convert to lower case"],
    ],
  },
  wording: {
    apart: [["the dose for adults", "the dose for infants"]],
    alike: [["how is a shirt washed", "washing a shirt"]],
  },
};

beforeAll(loadLexicon);

describe.each([...lexicalGuards, wording])("the guard $name", (guard) => {
  const { apart = [], alike = [] } = cases[guard.name] ?? {};
  const differs = (left: string, right: string) =>
    guard.differs(readQuestion(left), readQuestion(right), { score: 1, unsaid: [] }) !== undefined;

  test.each(apart)("tells apart: %s / %s", (left, right) => {
    expect([differs(left, right), differs(right, left)]).toEqual([true, true]);
  });

  test.each(alike)("lets pass: %s / %s", (left, right) => {
    expect([differs(left, right), differs(right, left)]).toEqual([false, false]);
  });

  test("has cases", () => {
    expect(apart.length).toBeGreaterThan(0);
  });
});

describe("mayAnswer", () => {
  test("says which guard refused and repeats no word of a question", () => {
    const { same, because } = mayAnswer("Is 30 mg of zinc enough?", "Is 40 mg of zinc enough?", sameGuards);
    expect({ same, because }).toEqual({ same: false, because: "numbers: they say different numbers" });
  });

  test("takes what only one of two says for a difference in the same words, and in other words for little", () => {
    const stored = "Can I rent a boat on this lake?";
    expect(mayAnswer("Can I still rent those boats here on this lake?", stored, sentenceGuards, 0.97)).toEqual({
      same: false,
      because: "wording: they differ in scope",
    });
    expect(mayAnswer("Is boat rental still possible on that lake?", stored, sentenceGuards, 0.97).same).toBe(true);
  });

  test("takes texts too long to compare as different unless they are equal", () => {
    const long = "word ".repeat(2_000);
    expect(mayAnswer(long, long).same).toBe(true);
    expect(mayAnswer(long, `${long}!`).same).toBe(false);
  });
});

/* What one answer must not serve, by the kind of what tells them apart. */
const strangers: readonly (readonly [string, string])[] = [
  ["When are the busy hours?", "When are the business hours?"],
  ["Is there a medical study?", "Is there a medic study?"],
  ["Where is the train?", "Where is the training?"],
  ["What is a good lens?", "What is a new lens?"],
  ["How do I file a claim?", "How do I make a claim?"],
  ["What is a file system?", "What is a system?"],
  ["Which lens is better?", "Which lens is best?"],
  ["How do I define a class?", "How do I describe a class?"],
  ["What is process mining?", "What is mining?"],
  ["What is a state machine?", "What is a machine?"],
  ["What is the formula of success?", "What is success?"],
  ["How do I make a list?", "How do I make a command?"],
  ["Write a letter of complaint", "How do I write a letter of complaint?"],
  ["What is a cookie?", "What is a biscuit?"],
  ["Is there a flat fee?", "Is there an apartment fee?"],
  ["How do I pick a lock?", "How do I choose a lock?"],
];
const friends: readonly (readonly [string, string])[] = [
  ["How do I book a cabin?", "How can I reserve a cabin?"],
  ["What is a tall ship?", "Can you please explain what a tall ship is?"],
  ["How are lenses cleaned properly?", "How are lenses cleaned?"],
  ["What are the steps of the renewal process?", "How do I renew?"],
  ["How do I mend a dripping tap?", "How can I mend a tap that drips?"],
];

describe("the lexical embedder and its guards", () => {
  const isHit = (asked: string, stored: string) => {
    const vector = lexical.embed(stored);
    const score = lexical.embed(asked).reduce((sum, value, at) => sum + value * (vector[at] ?? 0), 0);
    return score >= lexical.threshold && mayAnswer(asked, stored, lexical.guards, score).same;
  };

  test.each(strangers)("tell apart: %s / %s", (left, right) => {
    expect([isHit(left, right), isHit(right, left)]).toEqual([false, false]);
  });

  test.each(friends)("take for one: %s / %s", (left, right) => {
    expect([isHit(left, right), isHit(right, left)]).toEqual([true, true]);
  });
});

describe("the lexical embedder", () => {
  const length = (vector: Float32Array) => Math.hypot(...vector);

  test("gives vectors of unit length, and zeros for a text that says nothing", () => {
    expect(length(lexical.embed("How do magnets work?"))).toBeCloseTo(1, 5);
    expect(length(lexical.embed("如何重置密码"))).toBeCloseTo(1, 5);
    expect(length(lexical.embed("what is it?"))).toBe(0);
  });

  test("gives the same vector for the same words in other order and frames", () => {
    expect(lexical.embed("What is the password reset process?")).toEqual(lexical.embed("How do I reset my password?"));
  });
});
