import type { ServedRoute } from "../attach/attachment.ts";
import { invalidStatus } from "../condition.ts";
import { reasonOf } from "../objects.ts";
import type { KubeObject } from "../parse-object.ts";
import type { Workspace } from "../workspace.ts";
import type { AnyResource } from "./define-resource.ts";

/** Lets every kind of resource put its objects into the configuration. `users`: the routes that name an object as a backend. */
export function translateResources(
  workspace: Workspace,
  definitions: readonly AnyResource[],
  users: (object: KubeObject<unknown>) => readonly ServedRoute[],
): void {
  for (const { kind, translate } of definitions) {
    translate(
      workspace.objects.list(kind).map((object) => ({ object, usedBy: users(object), ...workspace.contextOf(object) })),
    );
    /* Kinds of others say what they are refused for at the Gateways that lead to them, and none does then. */
    if (kind.own === undefined) continue;
    for (const refused of workspace.objects.allRefused)
      if (refused.kind === kind)
        workspace.contextOf(refused).status(invalidStatus(refused.manifest.metadata.generation, reasonOf(refused)));
  }
}
