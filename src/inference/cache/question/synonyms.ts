import { stemOf } from "./stem.ts";

/* Words of everyday English that ask for the same in nearly any question; a word whose sense hangs on its company is in none. */
const GROUPS = [
  "delete remove erase",
  "find locate",
  "fix repair resolve",
  "restore recover retrieve",
  "enable activate",
  "disable deactivate",
  "begin start commence",
  "stop quit cease",
  "end finish",
  "buy purchase",
  "price cost fee",
  "reserve book",
  "contact reach",
  "mute silence",
  "view see show display",
  "author write",
  "fast speed quick rapid",
  "old age",
  "tall height",
  "far distance",
  "long duration length",
  "often frequency frequent",
  "number quantity count",
  "big large size",
  "advantage benefit pro",
  "disadvantage drawback con",
  "error fault",
  "choose select pick",
  "need require necessary",
  "allow permit",
  "create make",
  "get obtain receive",
  "change modify alter edit",
  "photo picture image",
  "film movie",
  "car automobile",
  "phone telephone",
  "doctor physician",
  "color colour",
  "difference differ distinction versus",
  "convert conversion transform",
  "backup back",
  "login log",
  "email mail",
  "employee staff worker",
  "company firm",
  "job occupation",
  "help assist",
  "answer reply respond",
  "symptom sign",
  "medicine medication drug",
  "international abroad overseas",
  "recommend suggest",
  "pair connect link",
  "compute calculate",
  "maximum max",
  "minimum min",
] as const;

const firsts = new Map(
  GROUPS.flatMap((group) => {
    const [first = "", ...others] = group.split(" ").map(stemOf);
    return others.map((other) => [other, first] as const);
  }),
);

/** The one stem that stands for a stem and its synonyms. */
export const toCommonStem = (stem: string): string => firsts.get(stem) ?? stem;
