import ij.IJ;
import ij.ImagePlus;
import ij.Prefs;
import ij.io.FileSaver;
import ij.io.Opener;
import ij.plugin.filter.BackgroundSubtracter;
import ij.plugin.filter.GaussianBlur;
import ij.plugin.filter.RankFilters;
import ij.process.Blitter;
import ij.process.ImageProcessor;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/**
 * Runs ImageJ's filters on request, without its windows.
 *
 * <p>The only argument is the number of threads. ImageJ's version is the first line of the output.
 * Then each line of the input is a request of five fields, separated by tabs: operation, size,
 * number of runs, image to read, image to write (or nothing). The answer is one line: the
 * milliseconds that each run took, reading and writing not included.
 *
 * <p>The commands' classes are called, not the commands: those open a dialog even in a macro, for
 * which ImageJ needs a display.
 */
public class Filters {
    public static void main(String[] arguments) throws Exception {
        Prefs.setThreads(Integer.parseInt(arguments[0]));
        System.out.println(IJ.getVersion());
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] request = line.split("\t", -1);
            ImageProcessor image = new Opener().openImage(request[3]).getProcessor();
            ImageProcessor result = null;
            StringBuilder times = new StringBuilder();
            for (int i = 0; i < Integer.parseInt(request[2]); i++) {
                result = image.duplicate();
                long start = System.nanoTime();
                result = filter(result, request[0], Double.parseDouble(request[1]));
                times.append((System.nanoTime() - start) / 1e6).append(' ');
            }
            if (!request[4].isEmpty()) {
                new FileSaver(new ImagePlus("", result)).saveAsTiff(request[4]);
            }
            System.out.println(times.toString().trim());
        }
    }

    static ImageProcessor filter(ImageProcessor image, String operation, double size) {
        RankFilters ranks = new RankFilters();
        switch (operation) {
            case "median": // Process > Filters > Median...
                ranks.rank(image, size, RankFilters.MEDIAN);
                return image;
            case "opening": // Minimum..., then Maximum...
                ranks.rank(image, size, RankFilters.MIN);
                ranks.rank(image, size, RankFilters.MAX);
                return image;
            case "tophat": // the same, then Image Calculator... with the original
                ImageProcessor original = image.duplicate();
                ranks.rank(image, size, RankFilters.MIN);
                ranks.rank(image, size, RankFilters.MAX);
                original.copyBits(image, 0, 0, Blitter.SUBTRACT);
                return original;
            case "closing": // Maximum..., then Minimum...
                ranks.rank(image, size, RankFilters.MAX);
                ranks.rank(image, size, RankFilters.MIN);
                return image;
            case "gaussian": // Image > Type > 32-bit, then Gaussian Blur...
                image = image.convertToFloat();
                new GaussianBlur().blurGaussian(image, size, size, 0.0002);
                return image;
            case "rolling_ball": // Process > Subtract Background..., "create" and "disable"
            case "rolling_ball_light": // the same with "light"
                boolean light = operation.endsWith("light");
                new BackgroundSubtracter()
                        .rollingBallBackground(image, size, true, light, false, false, true);
                return image;
            default:
                throw new IllegalArgumentException("no such operation: " + operation);
        }
    }
}
