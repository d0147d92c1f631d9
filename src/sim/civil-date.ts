// Instants as HTTP and AWS signatures write them, without asking the runtime's calendar.

/** 1970 began on a Thursday. */
const MONTH_NAMES = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
]
const DAY_NAMES = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DAY_MS = 86_400_000

function daysOfYear(year: number): number {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 366 : 365
}

function daysOfMonth(year: number, month: number): number {
  return month === 1 && daysOfYear(year) === 366 ? 29 : MONTH_DAYS[month]!
}

/** `Mon, 23 Nov 2026 00:00:00 GMT`, as in the header `date`. */
export function httpDateOf(wallMs: number): string {
  const { dayName, day, month, year, time } = partsOf(wallMs)
  return `${dayName}, ${day} ${MONTH_NAMES[month]} ${year} ${time.join(':')} GMT`
}

/** `20261123T000000Z`, as in the header `x-amz-date`. */
export function amzDateOf(wallMs: number): string {
  const { day, month, year, time } = partsOf(wallMs)
  return `${year}${two(month + 1)}${day}T${time.join('')}Z`
}

function partsOf(wallMs: number) {
  let days = Math.floor(wallMs / DAY_MS)
  const dayName = DAY_NAMES[days % 7]!
  let year = 1970
  for (; days >= daysOfYear(year); year++) days -= daysOfYear(year)
  let month = 0
  for (; days >= daysOfMonth(year, month); month++) days -= daysOfMonth(year, month)
  const seconds = Math.floor((wallMs % DAY_MS) / 1_000)
  const time = [seconds / 3_600, (seconds / 60) % 60, seconds % 60].map((part) => {
    return two(Math.floor(part))
  })
  return { dayName, day: two(days + 1), month, year, time }
}

function two(value: number): string {
  return `${value}`.padStart(2, '0')
}

/** The instant of `20261123T000000Z`, as in the header `x-amz-date`; NaN when it is none. */
export function wallMsOfAmzDate(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)?.slice(1).map(Number)
  if (parts === undefined) return Number.NaN
  const [year, month, day, hour, minute, second] = parts as [number, ...number[]]
  let days = day! - 1
  for (let earlier = 1970; earlier < year; earlier++) days += daysOfYear(earlier)
  for (let earlier = 0; earlier < month! - 1; earlier++) days += daysOfMonth(year, earlier)
  return days * DAY_MS + ((hour! * 60 + minute!) * 60 + second!) * 1_000
}
