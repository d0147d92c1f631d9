// Instants in words, from milliseconds since 1970 alone: the room may not ask the system's clock,
// and the words must not depend on its locale.

const DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const MONTH_NAMES = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const DAY_MS = 86_400_000

/** The value of a Date header (RFC 9110), such as `Thu, 22 Jan 2015 01:22:02 GMT`. */
export function httpDate(atMs: number): string {
  const { dayName, day, monthName, year, time } = partsOf(atMs)
  return `${dayName}, ${day} ${monthName} ${year} ${time} GMT`
}

/** As the service's messages write an instant: `Thu Jan 22 01:22:02 UTC 2015`. */
export function messageDate(atMs: number): string {
  const { dayName, day, monthName, year, time } = partsOf(atMs)
  return `${dayName} ${monthName} ${day} ${time} UTC ${year}`
}

/** As signatures write an instant: `20150122T012202Z`. */
export function amzDate(atMs: number): string {
  const { day, month, year, time } = partsOf(atMs)
  return `${year}${month}${day}T${time.replaceAll(':', '')}Z`
}

/** The instant that such a text stands for, or null. */
export function parseAmzDate(text: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)?.slice(1).map(Number)
  if (parts === undefined) return null
  const [year, month, day, hour, minute, second] = parts as [number, ...number[]]
  // From March, as below; so the leap day comes last.
  const marchYear = month! > 2 ? year : year - 1
  const marchMonth = (month! + 9) % 12
  const days =
    marchYear * 365 +
    Math.floor(marchYear / 4) -
    Math.floor(marchYear / 100) +
    Math.floor(marchYear / 400) +
    Math.floor((153 * marchMonth + 2) / 5) +
    day! -
    1
  return (days - 719_468) * DAY_MS + ((hour! * 60 + minute!) * 60 + second!) * 1000
}

function partsOf(atMs: number) {
  const dayNumber = Math.floor(atMs / DAY_MS)
  const secondOfDay = Math.floor((atMs - dayNumber * DAY_MS) / 1000)
  const { year, month, day } = civilOf(dayNumber)
  const time = [secondOfDay / 3600, (secondOfDay / 60) % 60, secondOfDay % 60]
    .map((part) => two(Math.floor(part)))
    .join(':')
  // The first of January 1970 was a Thursday.
  const dayName = DAY_NAMES[(((dayNumber + 4) % 7) + 7) % 7]!
  const monthName = MONTH_NAMES[month - 1]!
  return { dayName, day: two(day), month: two(month), monthName, year, time }
}

/**
 * Year, month and day of a day counted from 1 January 1970, in the Gregorian calendar. Years are
 * counted from March, so that the leap day is the last of its year; 400 years have 146 097 days.
 */
function civilOf(dayNumber: number): { year: number; month: number; day: number } {
  const sinceMarch0 = dayNumber + 719_468
  const era = Math.floor(sinceMarch0 / 146_097)
  const dayOfEra = sinceMarch0 - era * 146_097
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524)
  const yearOfEra = Math.floor((dayOfEra - leapDays - Math.floor(dayOfEra / 146_096)) / 365)
  const dayOfYear = dayOfEra - daysBeforeYear(yearOfEra)
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return { year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day }
}

function daysBeforeYear(yearOfEra: number): number {
  return 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}
