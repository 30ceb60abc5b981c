import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import type { SignInProblem } from "../../api/session.ts";
import { ApiError } from "../api.ts";
import { signInWithToken } from "../session.ts";
import { Icon } from "./icon.ts";
import { inWords } from "./in-words.ts";

const problems: Readonly<Record<SignInProblem, string>> = {
  expired: "Signing in took too long, or was begun in another browser. Try once more.",
  refused: "Signing in was cancelled or refused.",
  "no-role": "You are known here and have no role in the console. Ask whoever runs this gateway for one.",
  address:
    "The authorization server does not lead back to this address. Open the console at the address that `console.url` names.",
  failed: "Signing in failed. The gateway's log says why.",
};

const isProblem = (text: string): text is SignInProblem => text in problems;

interface SignInProps {
  readonly oauth: boolean;
  readonly tokenHint: string;
}

/** Where nobody is signed in. Afterwards the reader is where they wanted to go. */
export function SignIn({ oauth, tokenHint }: SignInProps): ComponentChildren {
  const address = new URL(location.href);
  const given = address.searchParams.get("signin") ?? "";
  address.searchParams.delete("signin");
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(isProblem(given) ? problems[given] : undefined);
  const [busy, setBusy] = useState(false);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    try {
      await signInWithToken(token.trim());
    } catch (thrown) {
      const wrong = thrown instanceof ApiError && thrown.kind === "signed-out";
      setProblem(
        wrong ? "This is not the operator's token." : thrown instanceof Error ? thrown.message : String(thrown),
      );
    }
    setBusy(false);
  }

  const to = `/signin?to=${encodeURIComponent(address.pathname + address.search)}`;
  return h(
    "main",
    { class: "center", id: "content" },
    h(
      "div",
      { class: "sign-in card" },
      h("h1", null, h(Icon, { name: "gate", size: 26 }), "Sallyport"),
      problem !== undefined && h("p", { class: "why bad", role: "alert" }, inWords(problem)),
      oauth && h("a", { class: "button main", href: to, target: "_self" }, "Sign in"),
      oauth && h("p", { class: "or" }, "or, with the file that only the operator can read:"),
      h(
        "form",
        { onSubmit: (event: Event) => void submit(event) },
        h(
          "label",
          { class: "field" },
          "Operator's token",
          h("input", {
            type: "password",
            autocomplete: "off",
            required: true,
            value: token,
            onInput: (event: Event) => setToken((event.currentTarget as HTMLInputElement).value),
          }),
        ),
        h("p", { class: "hint" }, inWords(tokenHint)),
        h(
          "button",
          { class: oauth ? "button" : "button main", type: "submit", disabled: busy },
          "Sign in with the token",
        ),
      ),
    ),
  );
}
