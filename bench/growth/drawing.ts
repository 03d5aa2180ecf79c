/** Drawings of lines as SVG, readable on light and dark pages and without colours: markers differ too. */
import type { Axis } from './axis.ts';

/** What one contestant's figures are, step by step. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One diagram. */
export interface Diagram {
  /** What is drawn, with its unit. */
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly xLabel: string;
  xText(value: number): string;
  readonly lines: readonly Line[];
}

/** Sizes in pixels of the SVG's own space. */
const PANEL = { width: 450, height: 290 };
const PLOT = { left: 62, top: 38, right: 30, bottom: 48 };
const HEAD = 62;
/** Hue for light pages, for dark ones, and dashes. */
const STYLES = [
  ['#0b62c4', '#6cb0ff', ''],
  ['#b54708', '#ffa657', '7 3'],
  ['#6f42c1', '#d2a8ff', '2 3'],
] as const;

/** A title over diagrams, two in a row. Lines of one name look the same in all of them. */
export function drawing(title: string, diagrams: readonly Diagram[]): string {
  const names = [...new Set(diagrams.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const columns = Math.min(2, diagrams.length);
  const width = columns * PANEL.width;
  const height = HEAD + Math.ceil(diagrams.length / columns) * PANEL.height;
  const panels = diagrams.map((diagram, index) => {
    const [x, y] = [(index % columns) * PANEL.width, HEAD + Math.floor(index / columns) * PANEL.height];
    return `<g transform="translate(${x} ${y})">\n${panel(diagram, names).join('\n')}\n</g>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>\n${style()}\n</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="head" x="16" y="26">${escaped(title)}</text>`,
    legend(names),
    ...panels,
    '</svg>',
  ].join('\n')}\n`;
}

function panel({ title, x, y, xLabel, xText, lines }: Diagram, names: readonly string[]): string[] {
  const [left, right] = [PLOT.left, PANEL.width - PLOT.right];
  const [top, bottom] = [PLOT.top, PANEL.height - PLOT.bottom];
  const across = (value: number) => along(x.place(value), left, right);
  const up = (value: number) => along(y.place(value), bottom, top);
  const rows = y.ticks.map((tick) => {
    const at = up(tick);
    return `<path class="grid" d="M${left} ${at}H${right}"/><text class="tick end" x="${left - 7}" y="${Number(at) + 4}">${numberText(tick)}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = across(tick);
    return `<path class="axis" d="M${at} ${bottom}v5"/><text class="tick middle" x="${at}" y="${bottom + 19}">${escaped(xText(tick))}</text>`;
  });
  return [
    `<text class="name" x="${left}" y="${top - 14}">${escaped(title)}</text>`,
    ...rows,
    `<path class="axis" d="M${left} ${bottom}H${right}"/>`,
    ...columns,
    `<text class="tick middle" x="${(left + right) / 2}" y="${bottom + 38}">${escaped(xLabel)}</text>`,
    ...lines.map((line) => drawn(line, names.indexOf(line.name), { across, up })),
  ];
}

interface Placing {
  across(value: number): number | undefined;
  up(value: number): number | undefined;
}

function drawn({ points }: Line, index: number, { across, up }: Placing): string {
  const placed = points.flatMap(([x, y]) => {
    const [at, height] = [across(x), up(y)];
    return at === undefined || height === undefined ? [] : [[at, height] as const];
  });
  const path = placed.map(([x, y], each) => `${each === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  return [`<path class="line l${index}" d="${path}"/>`, ...placed.map(([x, y]) => marker(index, x, y))].join('');
}

/** A circle, a square, a triangle. */
function marker(index: number, x: number, y: number): string {
  const shapes = ['M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0', 'M-3.5-3.5h7v7h-7z', 'M0-4.5L4.5 3.5h-9z'];
  return `<path class="mark m${index}" transform="translate(${x} ${y})" d="${shapes[index % shapes.length]}"/>`;
}

function legend(names: readonly string[]): string {
  let x = 16;
  const entries = names.map((name, index) => {
    const at = x;
    x += 60 + 7.2 * name.length;
    const sample = `<path class="line l${index}" d="M${at} 46h30"/>${marker(index, at + 15, 46)}`;
    return `${sample}<text class="tick" x="${at + 38}" y="50">${escaped(name)}</text>`;
  });
  return entries.join('\n');
}

function style(): string {
  const line = (index: number, colour: string, dashes: string) =>
    `.l${index} { stroke: ${colour}; stroke-dasharray: ${dashes === '' ? 'none' : dashes}; } .m${index} { fill: ${colour}; }`;
  return [
    'text { font: 12px system-ui, sans-serif; fill: #1f2328; } .head { font-size: 16px; font-weight: 600; } .name { font-size: 13px; font-weight: 600; }',
    '.end { text-anchor: end; } .middle { text-anchor: middle; } .page { fill: #ffffff; }',
    '.grid { stroke: #d8dee4; } .axis { stroke: #59636e; } .line { fill: none; stroke-width: 2; stroke-linejoin: round; }',
    ...STYLES.map(([light, , dashes], index) => line(index, light, dashes)),
    '@media (prefers-color-scheme: dark) {',
    '  text { fill: #e6edf3; } .page { fill: #0d1117; } .grid { stroke: #30363d; } .axis { stroke: #8b949e; }',
    ...STYLES.map(([, dark, dashes], index) => `  ${line(index, dark, dashes)}`),
    '}',
  ].join('\n');
}

function along(place: number | undefined, from: number, to: number): number | undefined {
  return place === undefined ? undefined : Math.round(10 * (from + place * (to - from))) / 10;
}

function numberText(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
