import { openAdminClient } from "./admin-client.ts";
import { defineCommand, UsageError } from "./command.ts";
import { gatewayOptions } from "./find-gateway.ts";

export const authCommand = defineCommand({
  usage: "passcode | signing-key",
  args: [1, 1],
  options: gatewayOptions,
  async run({ options, args: [action], out }) {
    switch (action) {
      case "passcode": {
        const admin = openAdminClient(options);
        const { passcode } = (await admin.call("POST", "/api/passcode")) as { passcode: string };
        out(passcode);
        out("the operator signs in with it; the former one does not work any more");
        return 0;
      }
      case "signing-key":
        await openAdminClient(options).call("POST", "/api/signing-keys");
        out("new tokens are signed with a new key; tokens of the former ones stay valid until they expire");
        return 0;
      default:
        throw new UsageError(`auth does passcode and signing-key, not "${action}"`);
    }
  },
});
