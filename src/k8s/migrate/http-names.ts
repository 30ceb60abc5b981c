/** True of the name of a header, as the Gateway API takes it (RFC 9110, token). */
export const isHeaderName = (name: string) => name.length <= 256 && /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name);
