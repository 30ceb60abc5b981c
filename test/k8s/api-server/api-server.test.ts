import { accessTo } from "../api/scene.ts";
import { describeApiServer } from "./api-server.contract.ts";
import { startApiServer } from "./api-server.ts";

describeApiServer("The API server of these tests", async () => {
  const server = await startApiServer();
  return { access: accessTo(server), stop: () => server.stop() };
});
