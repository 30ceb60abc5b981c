/*
 * The arithmetic of counter.ts and counting.ts in Lua, line by line: what differs between the two is a fault, and one contract suite
 * and one model hold both. Days are counted as in H. Hinnant's `civil_from_days`, since Redis' Lua has no calendar.
 */
export const ledgerLua = `
local deed, leaseLength, leaseGrain = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local HOLD_KEPT_MS, DAY = 3600000, 86400000
local fixed = { [1] = 1000, [2] = 60000, [3] = 3600000, [4] = DAY }
local floor, max, min = math.floor, math.max, math.min

local function daysOfMonth(year, month)
  if month <= 2 then year = year - 1 end
  local era = floor(year / 400)
  local yoe = year - era * 400
  local shifted = month > 2 and month - 3 or month + 9
  local doy = floor((153 * shifted + 2) / 5)
  return era * 146097 + yoe * 365 + floor(yoe / 4) - floor(yoe / 100) + doy - 719468
end
local function monthOf(ms)
  local z = floor(ms / DAY) + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400
  if month <= 2 then year = year + 1 end
  return year, month
end
local function lengthOf(window) return window >= 1000 and window or fixed[window] end
local function windowStart(window, ms)
  if window == 0 then return 0 end
  local length = lengthOf(window)
  if length then return ms - ms % length end
  if window == 5 then return ms - (ms + 3 * DAY) % (7 * DAY) end
  local year, month = monthOf(ms)
  return daysOfMonth(year, month) * DAY
end
local function windowEnd(window, start)
  if window == 0 then return 0 end
  local length = lengthOf(window)
  if length then return start + length end
  if window == 5 then return start + 7 * DAY end
  local year, month = monthOf(start)
  if month == 12 then return daysOfMonth(year + 1, 1) * DAY end
  return daysOfMonth(year, month + 1) * DAY
end

local function removeAt(counter, at)
  counter.reserved = counter.reserved - counter.leases[at].amount
  table.remove(counter.leases, at)
end
local function hold(counter, leaseEnd, amount)
  if amount <= 0 then return end
  counter.reserved = counter.reserved + amount
  for _, lease in ipairs(counter.leases) do
    if lease.ends == leaseEnd then
      lease.amount = lease.amount + amount
      return
    end
  end
  table.insert(counter.leases, { ends = leaseEnd, amount = amount })
end
local function release(counter, leaseEnd, amount)
  if amount <= 0 then return end
  for at, lease in ipairs(counter.leases) do
    if lease.ends == leaseEnd then
      if lease.amount - amount <= 0 then removeAt(counter, at)
      else
        lease.amount = lease.amount - amount
        counter.reserved = counter.reserved - amount
      end
      return
    end
  end
end
local function room(counter) return counter.limit - counter.spent - counter.reserved - counter.debt end
local function payDebt(counter)
  local fitting = min(counter.debt, max(0, counter.limit - counter.spent - counter.reserved))
  counter.spent = counter.spent + fitting
  counter.debt = counter.debt - fitting
end
local function charge(counter, amount)
  if amount > 0 then counter.debt = counter.debt + amount end
  payDebt(counter)
end
local function turn(counter, ms)
  if ms > counter.seen then counter.seen = ms end
  local start = windowStart(counter.window, counter.seen)
  if start > counter.start then
    payDebt(counter)
    counter.start = start
    counter.spent = min(counter.debt, counter.limit)
    counter.debt = counter.debt - counter.spent
    counter.reserved = 0
    counter.leases = {}
    return
  end
  for at = #counter.leases, 1, -1 do
    if counter.leases[at].ends <= counter.seen then removeAt(counter, at) end
  end
  payDebt(counter)
end

local counters = {}
local now = view.nowMs
for at = 4, #ARGV, 5 do
  local key = KEYS[#counters + 2]
  local fields = view.get(key)
  local counter = {
    key = key, window = tonumber(ARGV[at]), limit = tonumber(ARGV[at + 1]), idle = ARGV[at + 2],
    amount = tonumber(ARGV[at + 3]), total = tonumber(ARGV[at + 4]),
    seen = 0, start = 0, spent = 0, debt = 0, reserved = 0, leases = {},
  }
  if fields then
    counter.seen, counter.start = tonumber(fields.t), tonumber(fields.w)
    counter.spent, counter.debt = tonumber(fields.s), tonumber(fields.d)
    for ends, amount in string.gmatch(fields.b, "(%d+):(%d+)") do hold(counter, tonumber(ends), tonumber(amount)) end
  end
  if counter.seen > now then now = counter.seen end
  table.insert(counters, counter)
end
for _, counter in ipairs(counters) do turn(counter, now) end

local function answer(result)
  local parts = { result, whole(now) }
  for _, counter in ipairs(counters) do
    table.insert(parts, whole(counter.spent + counter.reserved + counter.debt))
    table.insert(parts, whole(windowEnd(counter.window, counter.start)))
    table.insert(parts, whole(counter.debt))
  end
  return table.concat(parts, ",")
end

if deed == "read" then return answer("1") end
local fields = view.get(KEYS[1])
if deed == "reserve" then
  if fields then return answer("1") end
elseif not fields then return "2" end

local parts, leaseEnd = {}, 0
if fields then
  leaseEnd = tonumber(fields.e)
  for start, held, before in string.gmatch(fields.p, "(%d+):(%d+):(%d+)") do
    table.insert(parts, { start = tonumber(start), held = tonumber(held), before = tonumber(before) })
  end
end
local alive = now < leaseEnd
local nextEnd = (floor((now + leaseLength) / leaseGrain) + 1) * leaseGrain

if deed == "reserve" then
  for _, counter in ipairs(counters) do
    if counter.amount > 0 and counter.amount > room(counter) then return answer("0") end
  end
  for at, counter in ipairs(counters) do
    hold(counter, nextEnd, counter.amount)
    parts[at] = { start = counter.start, held = counter.amount, before = 0 }
  end
elseif deed == "extend" then
  local following = {}
  for at, counter in ipairs(counters) do
    local part = parts[at]
    local same = part.start == counter.start
    local before = same and part.before or min(counter.amount, part.before + part.held)
    local held = max(0, counter.total - before)
    local more = held - ((same and alive) and part.held or 0)
    if more > 0 and more > room(counter) then return answer("0") end
    following[at] = { start = counter.start, held = held, before = before }
  end
  for at, counter in ipairs(counters) do
    if alive and parts[at].start == counter.start then release(counter, leaseEnd, parts[at].held) end
    hold(counter, nextEnd, following[at].held)
  end
  parts = following
elseif deed == "renew" then
  for at, counter in ipairs(counters) do
    local part = parts[at]
    if part.start == counter.start then
      if alive then release(counter, leaseEnd, part.held)
      elseif part.held > room(counter) then part.held = 0 end
      hold(counter, nextEnd, part.held)
    end
  end
else
  for at, counter in ipairs(counters) do
    local part = parts[at]
    local same = part.start == counter.start
    if same and alive then release(counter, leaseEnd, part.held) end
    charge(counter, counter.amount - part.before - (same and 0 or part.held))
  end
end

for _, counter in ipairs(counters) do
  local leases = {}
  for _, lease in ipairs(counter.leases) do table.insert(leases, whole(lease.ends) .. ":" .. whole(lease.amount)) end
  local record = {
    t = whole(counter.seen), w = whole(counter.start), s = whole(counter.spent), d = whole(counter.debt),
    b = table.concat(leases, ","),
  }
  local slack = 2 * leaseLength
  if counter.window ~= 0 then
    local ends = windowEnd(counter.window, counter.start)
    view.set(counter.key, record, ends - counter.seen + slack + (counter.debt > 0 and ends - counter.start or 0))
  elseif counter.spent == 0 and counter.debt == 0 then view.set(counter.key, record, slack)
  elseif counter.idle == "" then view.set(counter.key, record)
  else view.set(counter.key, record, tonumber(counter.idle)) end
end
if deed == "settle" then view.delete(KEYS[1])
else
  local held = {}
  for _, part in ipairs(parts) do
    table.insert(held, whole(part.start) .. ":" .. whole(part.held) .. ":" .. whole(part.before))
  end
  view.set(KEYS[1], { e = whole(nextEnd), p = table.concat(held, ",") }, leaseLength + HOLD_KEPT_MS)
end
return answer("1")
`;
