/** How the gateway names itself to servers and clients. */
export const gatewayIdentity = { name: "sallyport", version: "0.1.0" } as const;
