import { eventsOf, lastRequest, makeCaller, textOf } from "./caller.ts";
import type { Scene } from "./scene.ts";

/* Made up: a domain, a number range and a card that are reserved for examples. */
const values = ["ada@example.com", "+1 202 555 0147", "4111 1111 1111 1111"] as const;
const question = `Write to ${values[0]} or call ${values[1]}; her card is ${values[2]}.`;

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

export const maskingScene: Scene = {
  title: "Masking: personal data stays inside, and the caller notices nothing",
  async play(stage) {
    const { tell, check } = stage;
    const caller = await makeCaller(stage, "team-a");
    tell(`the caller sends: ${question}`);
    const answer = await textOf(await caller.ask("small", question));
    const { body } = await lastRequest(stage);
    const { messages } = JSON.parse(body) as { messages: readonly { content: string }[] };
    tell(`the provider gets: ${messages[0]?.content}`);
    check(
      values.every((value) => !body.includes(value)),
      "nothing that reached the provider holds one of the values",
    );
    tell(`the caller reads: ${answer}`);
    check(
      values.every((value) => answer.includes(value)),
      "the caller gets the values back",
    );
    const stream = await (await caller.ask("small", question, { stream: true })).text();
    const chunks = eventsOf<Chunk>(stream);
    const streamed = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    check(streamed === answer, `streamed in ${chunks.length} events it is the same text, however the tokens were cut`);
  },
};
