import type { Question } from "../question/question.ts";
import { stemOf } from "../question/stem.ts";
import type { SameGuard } from "./guard.ts";

/* `sign in` and `sign up`, `put on` and `put out`: with another of these a verb is another one. Those that say no more than a place are none. */
const PARTICLES = new Set("up down off out away over".split(" "));
/* `turn off` is disable. */
const SWITCHES = new Set(["turn", "switch"]);

/* Each word's particle; empty: it stands without one. */
function particlesOf({ words }: Question): ReadonlyMap<string, string> {
  return new Map(
    words.flatMap(({ plain }, at) => {
      if (SWITCHES.has(plain)) return [];
      const next = words[at + 1]?.plain ?? "";
      return [[stemOf(plain), PARTICLES.has(next) ? next : ""] as const];
    }),
  );
}

/** The same verb with another particle, or without. */
export const particles: SameGuard = {
  name: "particles",
  differs(asked, stored) {
    const there = particlesOf(stored);
    const others = [...particlesOf(asked)].filter(([verb, particle]) => (there.get(verb) ?? particle) !== particle);
    if (others.length === 0) return undefined;
    const isUnsaid = others.every(([verb, particle]) => particle === "" || there.get(verb) === "");
    return { because: "they say verbs with other particles", isUnsaid };
  },
};
