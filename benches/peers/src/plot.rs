//! Plots of a report: the ratio of each case.

use crate::Result;
use crate::measure::Row;
use crate::report::Report;
use plotters::prelude::*;
use std::path::Path;

/// Pixels of a row.
const ROW: u32 = 18;

/// Bars of the ratios of all cases, on a logarithmic scale, in the table's order: `ratios.svg` in the folder.
pub fn ratios(report: &Report, folder: &Path) -> Result<()> {
    let rows: Vec<(&Row, f64)> = report.rows.iter().filter_map(|row| Some((row, row.ratio()?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let path = folder.join("ratios.svg");
    let area = SVGBackend::new(&path, (1000, 80 + ROW * rows.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let least = rows.iter().map(|(_, r)| *r).fold(0.5, f64::min) / 1.2;
    let most = rows.iter().map(|(_, r)| *r).fold(2.0, f64::max) * 1.2;
    let n = rows.len() as i32;
    let mut chart = ChartBuilder::on(&area)
        .caption("the best peer's time over ours", ("sans-serif", 16))
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
    for (i, (row, ratio)) in rows.iter().enumerate() {
        let (_, y) = plot.map_coordinate(&(1.0, n - i as i32));
        area.draw_text(
            &format!("{}  {}", row.name, plywood_benches::machine::digits(*ratio)),
            &style,
            (12, y + 3),
        )?;
    }
    area.present()?;
    Ok(())
}
