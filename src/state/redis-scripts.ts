/*
 * Keys, all of one collection under one hash tag and so in one slot of a Redis Cluster:
 *   PREFIX{COLLECTION}:r:KEY          hash: v value, n version, e expiry in ms (absent: never); expires by itself
 *   PREFIX{COLLECTION}:a              sorted set of all keys, ordered by key
 *   PREFIX{COLLECTION}:i:NAME:VALUE   sorted set of the keys with that index value, ordered by key
 *   PREFIX{COLLECTION}:m              hash: key → its index entries, which must outlive the record to be cleared after it
 *   PREFIX{COLLECTION}:x              sorted set: key → expiry, to find what has gone
 * Scripts declare one key and reach the others of the same slot by name: a server checks slots, and all of these share one.
 */

/** TIME stands still within a script, and expiry is judged by the same instant. */
const time = `
local now = redis.call("TIME")
local nowMs = now[1] * 1000 + math.floor(now[2] / 1000)
local function whole(n) return string.format("%.0f", n) end
`;

const collection = `${time}
local base = ARGV[1]
local all, expiries, memberships = base .. "a", base .. "x", base .. "m"
local function unindex(key, held)
  for _, entry in ipairs(cjson.decode(held)) do redis.call("ZREM", base .. "i:" .. entry, key) end
end
local function forget(key)
  local held = redis.call("HGET", memberships, key)
  if held then
    unindex(key, held)
    redis.call("HDEL", memberships, key)
  end
  redis.call("ZREM", all, key)
  redis.call("ZREM", expiries, key)
end
local function sweep(limit)
  for _, key in ipairs(redis.call("ZRANGEBYSCORE", expiries, "-inf", whole(nowMs), "LIMIT", 0, limit)) do
    redis.call("DEL", base .. "r:" .. key)
    forget(key)
  end
end
local function write(key, value, ttlMs, indexes)
  local record = base .. "r:" .. key
  local version = redis.call("HINCRBY", record, "n", 1)
  local held = redis.call("HGET", memberships, key) or "[]"
  if held ~= indexes then
    unindex(key, held)
    if indexes == "[]" then redis.call("HDEL", memberships, key)
    else
      redis.call("HSET", memberships, key, indexes)
      for _, entry in ipairs(cjson.decode(indexes)) do redis.call("ZADD", base .. "i:" .. entry, 0, key) end
    end
  end
  if ttlMs == "" then
    redis.call("HSET", record, "v", value)
    if redis.call("HDEL", record, "e") == 1 then
      redis.call("PERSIST", record)
      redis.call("ZREM", expiries, key)
    end
    redis.call("ZADD", all, 0, key)
  elseif tonumber(ttlMs) <= 0 then
    redis.call("DEL", record)
    forget(key)
  else
    local expiry = whole(nowMs + tonumber(ttlMs))
    redis.call("HSET", record, "v", value, "e", expiry)
    redis.call("PEXPIREAT", record, expiry)
    redis.call("ZADD", expiries, expiry, key)
    redis.call("ZADD", all, 0, key)
  end
  return version
end
`;

/** KEYS: record. ARGV: base, key, value, ifVersion or "", ttlMs or "", index entries as JSON. The version, or 0. */
const put = `${collection}
if ARGV[4] ~= "" and (redis.call("HGET", KEYS[1], "n") or "0") ~= ARGV[4] then return 0 end
local version = write(ARGV[2], ARGV[3], ARGV[5], ARGV[6])
sweep(8)
return version`;

/** KEYS: all. ARGV: base, then key, value, ttlMs, index entries of each record. */
const putMany = `${collection}
for at = 2, #ARGV, 4 do write(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]) end
sweep(math.floor(#ARGV / 2))
return 1`;

/** KEYS: record. ARGV: base, key, ifVersion or "". */
const remove = `${collection}
local version = redis.call("HGET", KEYS[1], "n")
if not version or (ARGV[3] ~= "" and version ~= ARGV[3]) then return 0 end
redis.call("DEL", KEYS[1])
forget(ARGV[2])
return 1`;

/**
 * KEYS: the sorted set. ARGV: base, how many, after or "", "up" or "down". Where the next call goes on ("" at the end), then
 * key, value, version and expiry of each record. Entries of records that have expired are cleared when they are met.
 */
const page = `${collection}
local wanted, after, up = tonumber(ARGV[2]), ARGV[3], ARGV[4] == "up"
local edge = after == "" and (up and "-" or "+") or "(" .. after
local keys = redis.call(up and "ZRANGEBYLEX" or "ZREVRANGEBYLEX", KEYS[1], edge, up and "+" or "-", "LIMIT", 0, wanted)
local reply = { #keys == wanted and keys[#keys] or "" }
for _, key in ipairs(keys) do
  local record = redis.call("HMGET", base .. "r:" .. key, "v", "n", "e")
  if record[1] then
    local last = #reply
    reply[last + 1], reply[last + 2], reply[last + 3], reply[last + 4] = key, record[1], record[2], record[3] or ""
  else forget(key) end
end
return reply`;

/** KEYS: all. ARGV: base, records to keep, most to remove. */
const trim = `${collection}
local surplus = math.min(redis.call("ZCARD", KEYS[1]) - tonumber(ARGV[2]), tonumber(ARGV[3]))
if surplus <= 0 then return 0 end
local keys = redis.call("ZRANGE", KEYS[1], 0, surplus - 1)
for _, key in ipairs(keys) do
  redis.call("DEL", base .. "r:" .. key)
  forget(key)
end
return #keys`;

export const collectionScripts = { put, putMany, remove, page, trim };

/** KEYS: any key of the channel's own. ARGV: channel, message. */
export const publishScript = `redis.call("PUBLISH", ARGV[1], ARGV[2]) return 1`;

/** What a StoreScript's Lua body finds in scope. */
export const viewPrelude = `${time}
local view = { nowMs = nowMs }
function view.get(key)
  local flat = redis.call("HGETALL", key)
  if #flat == 0 then return nil end
  local fields = {}
  for at = 1, #flat, 2 do fields[flat[at]] = flat[at + 1] end
  return fields
end
function view.set(key, fields, ttlMs)
  redis.call("DEL", key)
  for field, value in pairs(fields) do redis.call("HSET", key, field, value) end
  if ttlMs then redis.call("PEXPIREAT", key, whole(nowMs + math.ceil(tonumber(ttlMs)))) end
end
function view.delete(key) redis.call("DEL", key) end
`;
