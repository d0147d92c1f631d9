import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run } from './program.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-lab-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Files of every run, as the contract names them. */
const FILES = [
  'aggregate.csv',
  'counters.json',
  'experiment.json',
  'report.html',
  'response-time.png',
  'response-time.svg',
  'samples.jtl',
  'statistics.log',
  'timeline.csv',
]

test('lab list tells the fifteen with what the log measured', async () => {
  const { out, exitCode } = await run(['lab', 'list', '--json'])

  const experiments = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [first] = experiments.filter(({ name }) => name === 'bp-10000-50t')
  assert.equal(exitCode, 0)
  assert.ok(experiments.length >= 15)
  assert.deepEqual([first.log.samples, first.log.averageMs], [1_250_000, 123])
})

test('lab run leaves a folder, says the row, and the same seed gives the same bytes', async (t) => {
  const folder = folderOf(t)
  const args = ['lab', 'run', 'bp-500', '--scale', '0.01', '--seed', '5', '--json']

  const [one, two] = await Promise.all(
    ['one', 'two'].map((out) => run([...args, '--out', join(folder, out)])),
  )

  const said = JSON.parse(one!.out)
  assert.deepEqual([one!.exitCode, two!.exitCode, one!.err], [0, 0, ''])
  assert.deepEqual([said.aggregate.samples, said.counters.imbalance], [4439, 0])
  assert.equal(one!.out, two!.out)
  const [left, right] = ['one', 'two'].map((name) => join(folder, name, 'bp-500'))
  assert.deepEqual(readdirSync(left!).sort(), FILES)
  for (const file of FILES) {
    assert.ok(readFileSync(join(left!, file)).equals(readFileSync(join(right!, file))), file)
  }
})

test('lab run --sweep runs once for each value and writes one report of all', async (t) => {
  const folder = folderOf(t)
  const sweep = ['--sweep', 'backpressure.threshold=200,2000']

  const { exitCode, out } = await run([
    'lab',
    'run',
    'bp-500',
    ...sweep,
    '--scale',
    '0.01',
    '--out',
    folder,
  ])

  assert.equal(exitCode, 0)
  assert.match(out, /log +threshold-200 +threshold-2000/)
  const page = readFileSync(join(folder, 'bp-500-sweep', 'report.html'), 'utf8')
  assert.match(page, /threshold-2000/)
  assert.ok(existsSync(join(folder, 'bp-500-threshold-200', 'samples.jtl')))
})

test('lab compare puts log, reproduction and Headgate side by side', async (t) => {
  const folder = folderOf(t)

  const { out, exitCode } = await run([
    'lab',
    'compare',
    'bp-500',
    '--as',
    'headgate',
    '--scale',
    '0.01',
    '--out',
    folder,
  ])

  assert.equal(exitCode, 0)
  assert.match(out, /log +bp-500 +bp-500-as-headgate/)
  assert.match(out, /answered, not delivered +– +0 +0\n/)
})

test('own experiments are files; what is wrong with them is told with line and field', async (t) => {
  const folder = folderOf(t)
  const good = join(folder, 'mine.yaml')
  const bad = join(folder, 'bad.yaml')
  writeFileSync(good, 'name: mine\nload:\n  threads: 2\n  loops: 5\n')
  writeFileSync(bad, 'name: bad\nload:\n  threads: 0\n  loop: round\n')

  const fine = await run(['lab', 'run', good, '--out', folder, '--json'])
  const wrong = await run(['lab', 'run', bad, '--out', folder])

  assert.equal(JSON.parse(fine.out).aggregate.samples, 10)
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.err, /bad\.yaml:3: load\.threads: 0 is not allowed/)
  assert.match(wrong.err, /bad\.yaml:4: load\.loop: "round" is not allowed/)
})

for (const [args, says] of [
  [['run', 'bp-50'], /no experiment bp-50; did you mean bp-500\?/],
  [['run', 'bp-500', '--sweep', 'treshold=1'], /no setting treshold/],
  [['run', 'bp-500', '--sweep', 'threshold'], /say setting=value,value/],
  [['run', 'bp-500', '--scale', '2'], /above 0, at most 1/],
  [['run', 'bp-500', '--seed', '-1'], /whole number/],
  [['run', 'bp-500', '--as', 'kpl'], /Say headgate/],
  [['run', 'none.yaml'], /There is no file none\.yaml/],
] as const) {
  test(`lab ${args.join(' ')} is wrong usage`, async () => {
    const { exitCode, err } = await run(['lab', ...args])

    assert.equal(exitCode, 2)
    assert.match(err, says)
  })
}

test('lab report makes the report of a folder anew, to the millisecond of its samples', async (t) => {
  const folder = folderOf(t)
  await run(['lab', 'run', 'bp-500', '--scale', '0.01', '--out', folder])
  const path = join(folder, 'bp-500', 'report.html')
  const before = readFileSync(path, 'utf8')
  rmSync(path)

  const { exitCode, out } = await run(['lab', 'report', join(folder, 'bp-500')])

  const after = readFileSync(path, 'utf8')
  assert.deepEqual([exitCode, out.trim()], [0, path])
  const picturesOf = (page: string) => page.match(/<figcaption/g)?.length
  assert.equal(picturesOf(after), picturesOf(before))
  assert.match(after, /<th scope="row">delivered<\/th><td>–<\/td><td>4.439<\/td>/)
})

test("lab report reads JMeter's own samples, and names the line that it cannot read", async (t) => {
  const folder = folderOf(t)
  const heading =
    'timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,' +
    'bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect'
  const line =
    '1619900000000,12,HTTP Request,200,OK,Thread Group 1-1,text,true,,166,1774,1,1,null,12,0,1'
  const good = join(folder, 'good.jtl')
  const bad = join(folder, 'bad.jtl')
  writeFileSync(good, `${heading}\n${line}\n${line}\n`)
  writeFileSync(bad, `${heading}\n${line.replace(',12,', ',soon,')}\n`)

  const fine = await run(['lab', 'report', good])
  const wrong = await run(['lab', 'report', bad])

  assert.equal(fine.exitCode, 0)
  assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /<td>2<\/td><td>12.0<\/td>/)
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.err, /bad\.jtl: line 2: elapsed is soon/)
})

test('lab import prints the experiment of a plan, which runs; another plan is refused', async (t) => {
  const folder = folderOf(t)
  const bad = join(folder, 'bad.jmx')
  writeFileSync(bad, '<other></other>')

  const wrong = await run(['lab', 'import', bad])
  const none = await run(['lab', 'import', join(folder, 'none.jmx')])

  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.err, /bad\.jmx cannot be imported: it is no JMeter plan/)
  assert.equal(none.exitCode, 1)
})

test('lab compare A B puts experiments, and folders of runs, side by side', async (t) => {
  const folder = folderOf(t)
  const small = ['--scale', '0.01', '--out', folder]
  await run(['lab', 'run', 'bp-5000', ...small])

  const kept = join(folder, 'bp-5000')
  const { out, exitCode } = await run(['lab', 'compare', 'bp-500', kept, ...small])

  assert.equal(exitCode, 0)
  assert.match(out, /log +bp-500 +bp-5000\n/)
  assert.match(out, /samples +443.887 +4.439 +4.912\n/)
  assert.ok(existsSync(join(folder, 'compared', 'report.html')))
})
