import { defineAnnotations, withoutEffect } from "../annotation-group.ts";

const streamed = withoutEffect("the gateway passes bodies on as they come, and keeps no more than it must");

export const bodies = defineAnnotations({
  title: "Bodies and buffers",
  annotations: {
    "proxy-body-size": {
      outcome: "not translated",
      text: "a route has no limit for bodies; nginx refused more than 1m where nothing was said",
      todo: "limits.body in sallyport.yaml limits the requests of each AI protocol; for other services let the service refuse",
    },
    "client-body-buffer-size": streamed,
    "proxy-buffering": streamed,
    "proxy-buffer-size": streamed,
    "proxy-buffers-number": streamed,
    "proxy-busy-buffers-size": streamed,
    "proxy-max-temp-file-size": streamed,
    "proxy-request-buffering": streamed,
    "http2-push-preload": withoutEffect("browsers no longer take pushed answers"),
  },
});
