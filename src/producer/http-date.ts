// The `Date` header of an answer: the service's clock.

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** Milliseconds since the epoch of an IMF-fixdate (RFC 9110 5.6.7), or null. */
export function parseHttpDate(text: string): number | null {
  const parts = /^\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/.exec(text)
  if (parts === null) return null
  const [, day, monthName, year, hour, minute, second] = parts
  const month = MONTHS.indexOf(monthName!) / 3
  if (!Number.isInteger(month) || month < 0) return null
  const days = daysFromEpoch(Number(year), month + 1, Number(day))
  return ((days * 24 + Number(hour)) * 60 + Number(minute)) * 60_000 + Number(second) * 1000
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400)
  return shifted * 365 + leapDays + dayOfYear - 719_468
}
