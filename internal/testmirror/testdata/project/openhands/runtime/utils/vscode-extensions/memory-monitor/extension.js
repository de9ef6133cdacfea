exports.activate = () => {}; // memory-monitor
