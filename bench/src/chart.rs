//! Charts as SVG.

use std::path::Path;

use plotters::prelude::*;

use crate::BoxError;

/// A line of a chart, and its points from left to right.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Calls a second and seconds.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws how long calls take under which load, the time on a logarithmic scale, into a file.
pub(crate) fn latency_by_load(file: &Path, lines: &[Line]) -> Result<(), BoxError> {
    const COLOURS: [RGBColor; 6] = [
        RGBColor(0x1f, 0x77, 0xb4),
        RGBColor(0x6b, 0xae, 0xd6),
        RGBColor(0xd9, 0x5f, 0x02),
        RGBColor(0xfd, 0xae, 0x6b),
        RGBColor(0x1b, 0x9e, 0x77),
        RGBColor(0x80, 0x80, 0x80),
    ];
    let points = || lines.iter().flat_map(|line| line.points.iter().map(|&(load, time)| (load, milliseconds(time))));
    let most_load = points().map(|(load, _)| load).fold(1.0, f64::max);
    let least = points().map(|(_, time)| time).fold(f64::INFINITY, f64::min).clamp(0.01, 1e6);
    let most = points().map(|(_, time)| time).fold(0.0, f64::max).max(10.0 * least);

    let area = SVGBackend::new(file, (900, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let scale = (least * 0.7..most * 1.4).log_scale();
    let mut chart = ChartBuilder::on(&area)
        .caption("Latency by load (open loop, from the intended start)", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..most_load * 1.05, scale)?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(0xf2, 0xf2, 0xf2))
        .x_desc("calls a second")
        .y_desc("milliseconds")
        .x_label_formatter(&|load| format!("{load:.0}"))
        .y_label_formatter(&|time| if *time < 1.0 { format!("{time:.1}") } else { format!("{time:.0}") })
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.into_iter().cycle()) {
        let points = || line.points.iter().map(|&(load, time)| (load, milliseconds(time)));
        chart
            .draw_series(LineSeries::new(points(), colour.stroke_width(2)))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points().map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    area.present().map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(())
}

fn milliseconds(seconds: f64) -> f64 {
    seconds * 1e3
}
