//! Plots of a report, as SVG: bars of what the table's columns tell of each case, and lines of what grows.

use crate::Result;
use crate::measure::Row;
use crate::report::Report;
use crate::sides::OURS;
use plotters::coord::Shift;
use plotters::prelude::*;
use plywood_benches::machine::digits;
use std::path::Path;

/// Pixels of a row.
const ROW: u32 = 18;

/// What bars tell of a row.
type Number = fn(&Row) -> Option<f64>;

/// Files of bars: name, caption, number; bars begin at 1.
const BARS: [(&str, &str, Number); 4] = [
    ("ratios", "the best peer's time over ours", Row::ratio),
    ("limits", "what the machine needs, over our time", |row| Some(row.limit? / row.of(OURS)?.timing.min)),
    ("first", "the best peer's first call over ours", |row| {
        Some(row.best_peer()?.first / row.of(OURS)?.first)
    }),
    ("memory", "the best peer's memory over ours, of a megabyte and more each", |row| {
        let [theirs, ours] = [row.best_peer()?.memory, row.of(OURS)?.memory];
        (theirs.min(ours) >= 1e6).then(|| theirs / ours)
    }),
];

/// What grows: a file, a caption, and the words around the number in the names of its cases.
const LINES: [(&str, &str, [&str; 2]); 2] = [
    ("depth", "a chain of so many operations, microseconds", ["jit chain of ", " operations"]),
    ("batch", "an MLP forward, so many examples, microseconds", ["jit MLP forward, batch ", ""]),
];

/// All plots, into the folder.
pub fn all(report: &Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, caption, number) in BARS {
        let rows: Vec<(&str, f64)> =
            report.rows.iter().filter_map(|row| Some((row.name, number(row)?))).collect();
        if !rows.is_empty() {
            bars(&rows, caption, &folder.join(format!("{name}.svg")))?;
        }
    }
    for (name, caption, words) in LINES {
        let points = points(report, words);
        if points.iter().any(|(_, line)| line.len() > 1) {
            lines(&points, caption, &folder.join(format!("{name}.svg")))?;
        }
    }
    Ok(())
}

fn page(path: &Path, size: (u32, u32)) -> Result<DrawingArea<SVGBackend<'_>, Shift>> {
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    Ok(area)
}

/// A bar for each row, in the table's order, on a logarithmic scale.
fn bars(rows: &[(&str, f64)], caption: &str, path: &Path) -> Result<()> {
    let area = page(path, (1000, 80 + ROW * rows.len() as u32))?;
    let least = rows.iter().map(|(_, r)| *r).fold(0.5, f64::min) / 1.2;
    let most = rows.iter().map(|(_, r)| *r).fold(2.0, f64::max) * 1.2;
    let n = rows.len() as i32;
    let mut chart = ChartBuilder::on(&area)
        .caption(caption, ("sans-serif", 16))
        .x_label_area_size(30)
        .y_label_area_size(360)
        .margin(8)
        .build_cartesian_2d((least..most).log_scale(), 0..n)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .x_label_formatter(&|x| format!("{x}"))
        .draw()?;
    let bars = rows.iter().enumerate().map(|(i, (_, ratio))| {
        let (y, colour) = (n - 1 - i as i32, if *ratio >= 1.0 { &GREEN } else { &RED });
        Rectangle::new([(ratio.min(1.0), y), (ratio.max(1.0), y + 1)], colour.mix(0.6).filled())
    });
    chart.draw_series(bars)?;
    let (plot, style) = (chart.plotting_area(), ("sans-serif", 12).into_text_style(&area));
    for (i, (name, ratio)) in rows.iter().enumerate() {
        let (_, y) = plot.map_coordinate(&(1.0, n - i as i32));
        area.draw_text(&format!("{name}  {}", digits(*ratio)), &style, (12, y + 3))?;
    }
    area.present()?;
    Ok(())
}

/// A line: a side, and for each number in the names of the cases the microseconds.
type Line = (String, Vec<(f64, f64)>);

fn points(report: &Report, [before, after]: [&str; 2]) -> Vec<Line> {
    let number = |name: &str| name.strip_prefix(before)?.strip_suffix(after)?.parse::<f64>().ok();
    let line = |side: &String| {
        let rows =
            report.rows.iter().filter_map(|row| Some((number(row.name)?, row.of(side)?.timing.min / 1e3)));
        (side.clone(), rows.collect())
    };
    report.sides.iter().map(|(side, _)| line(side)).collect()
}

/// A line for each side, on logarithmic scales.
fn lines(sides: &[Line], caption: &str, path: &Path) -> Result<()> {
    let area = page(path, (720, 440))?;
    let all = || sides.iter().flat_map(|(_, line)| line);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = all().map(of).fold((f64::INFINITY, 0.0f64), |(l, h), x| (l.min(x), h.max(x)));
        low / 1.3..high * 1.3
    };
    let mut chart = ChartBuilder::on(&area)
        .caption(caption, ("sans-serif", 16))
        .x_label_area_size(30)
        .y_label_area_size(70)
        .margin(12)
        .build_cartesian_2d(range(|p| p.0).log_scale(), range(|p| p.1).log_scale())?;
    let plain = |x: &f64| format!("{x}");
    chart.configure_mesh().x_label_formatter(&plain).y_label_formatter(&plain).draw()?;
    for (i, (name, line)) in sides.iter().enumerate().filter(|(_, (_, line))| !line.is_empty()) {
        let colour = Palette99::pick(i).to_rgba();
        chart
            .draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)).point_size(3))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    let labels = chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw();
    labels?;
    area.present()?;
    Ok(())
}
